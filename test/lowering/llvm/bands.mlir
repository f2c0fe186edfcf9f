// RUN: edge-opt %s -p llvm-plan --split-input-file | filecheck %s --check-prefix=PLAN
// RUN: edge-opt %s -p "llvm-kernels{target-cpu=x86-64-v4}" --split-input-file --save-weights %t.safetensors | filecheck %s

// Two rows at a time are made of the last result. The windows read five rows for that, four of them
// new; what is in front of the windows and behind them has room for just these rows.
// PLAN-LABEL: func.func @inverted_residual
// PLAN: delegate.region "llvm"(%x) {kernel.arena = 0 : i64}
// PLAN: kernel.step at [#kernel.place<ring 5 + 0 strides [1204224, 1, 10752, 96]>]
// PLAN-NEXT: edge.convolution
// PLAN-NEXT: edge.relu
// PLAN: kernel.step at [#kernel.place<ring 2 + 0 strides [301056, 1, 5376, 96]>]
// PLAN-NEXT: edge.convolution
// PLAN: kernel.step at [#kernel.place<argument 1 + 0 strides [75264, 1, 1344, 24]>]
// PLAN-NEXT: edge.convolution

// One kernel: blocks of two rows, in which the convolution makes four rows (and the one before
// them, at the begin of a task below the top), then the windows, then the convolution behind.
// CHECK-LABEL: func.func @inverted_residual
// CHECK: kernel.func @band
// CHECK: kernel.for %[[INDEX:.*]] in
// CHECK: %[[FIRST:.*]] = kernel.chunk %[[INDEX]] {size = 1 : i64, total = 1 : i64}
// CHECK: %[[MORE:.*]] = arith.muli %[[FIRST]]
// CHECK: %[[NEW:.*]] = kernel.chunk %{{.*}} {size = 4 : i64, total = 112 : i64}
// CHECK: %[[COUNT:.*]] = arith.addi %[[NEW]], %[[MORE]]
// CHECK: kernel.for %{{.*}} in %[[COUNT]] {
// CHECK: kernel.delinearize %{{.*}} {sizes = array<i64: 1, 5>}
// CHECK: kernel.tile
// CHECK: kernel.stencil {{.*}} {rows = 2 : i64, columns = 56 : i64, channels = 96 : i64, size = array<i64: 112, 112>{{.*}} ring = 5 : i64}
// CHECK: kernel.tile
// A thread that is alone runs the fifth task, which is all of it.
// CHECK: kernel.launch @band({{.*}}) {tasks = 4 : i64, whole}
func.func @inverted_residual(%x: tensor<1x16x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x24x56x56xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  %0 = delegate.region "llvm"(%x) : (tensor<1x16x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x24x56x56xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  ^bb0(%a: tensor<1x16x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>):
    %w1 = edge.constant #edge.constant<"0x0000803F" : tensor<96x16x1x1xf32>> : tensor<96x16x1x1xf32>
    %w2 = edge.constant #edge.constant<"0x0000803F" : tensor<96x1x3x3xf32>> : tensor<96x1x3x3xf32>
    %w3 = edge.constant #edge.constant<"0x0000803F" : tensor<24x96x1x1xf32>> : tensor<24x96x1x1xf32>
    %1 = edge.convolution(%a, %w1, stride = [1, 1], padding = [0, 0], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x16x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>, tensor<96x16x1x1xf32>) -> tensor<1x96x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>
    %2 = edge.relu(%1) : (tensor<1x96x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x96x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>
    %3 = edge.convolution(%2, %w2, stride = [2, 2], padding = [1, 1], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 96) : (tensor<1x96x112x112xf32, #edge.layout<order = [0, 2, 3, 1]>>, tensor<96x1x3x3xf32>) -> tensor<1x96x56x56xf32, #edge.layout<order = [0, 2, 3, 1]>>
    %4 = edge.convolution(%3, %w3, stride = [1, 1], padding = [0, 0], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x96x56x56xf32, #edge.layout<order = [0, 2, 3, 1]>>, tensor<24x96x1x1xf32>) -> tensor<1x24x56x56xf32, #edge.layout<order = [0, 2, 3, 1]>>
    delegate.yield %4 : tensor<1x24x56x56xf32, #edge.layout<order = [0, 2, 3, 1]>>
  }
  func.return %0 : tensor<1x24x56x56xf32, #edge.layout<order = [0, 2, 3, 1]>>
}

// -----

// What stays in the cache anyway has memory of its own.
// PLAN-LABEL: func.func @small
// PLAN-NOT: ring
// CHECK-LABEL: func.func @small
// CHECK-NOT: kernel.func @band
func.func @small(%x: tensor<1x16x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x24x14x14xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  %0 = delegate.region "llvm"(%x) : (tensor<1x16x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x24x14x14xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  ^bb0(%a: tensor<1x16x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>):
    %w1 = edge.constant #edge.constant<"0x0000803F" : tensor<96x16x1x1xf32>> : tensor<96x16x1x1xf32>
    %w2 = edge.constant #edge.constant<"0x0000803F" : tensor<96x1x3x3xf32>> : tensor<96x1x3x3xf32>
    %w3 = edge.constant #edge.constant<"0x0000803F" : tensor<24x96x1x1xf32>> : tensor<24x96x1x1xf32>
    %1 = edge.convolution(%a, %w1, stride = [1, 1], padding = [0, 0], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x16x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>, tensor<96x16x1x1xf32>) -> tensor<1x96x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>
    %2 = edge.relu(%1) : (tensor<1x96x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x96x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>
    %3 = edge.convolution(%2, %w2, stride = [2, 2], padding = [1, 1], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 96) : (tensor<1x96x28x28xf32, #edge.layout<order = [0, 2, 3, 1]>>, tensor<96x1x3x3xf32>) -> tensor<1x96x14x14xf32, #edge.layout<order = [0, 2, 3, 1]>>
    %4 = edge.convolution(%3, %w3, stride = [1, 1], padding = [0, 0], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x96x14x14xf32, #edge.layout<order = [0, 2, 3, 1]>>, tensor<24x96x1x1xf32>) -> tensor<1x24x14x14xf32, #edge.layout<order = [0, 2, 3, 1]>>
    delegate.yield %4 : tensor<1x24x14x14xf32, #edge.layout<order = [0, 2, 3, 1]>>
  }
  func.return %0 : tensor<1x24x14x14xf32, #edge.layout<order = [0, 2, 3, 1]>>
}
