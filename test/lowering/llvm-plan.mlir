// RUN: edge-opt %s -p llvm-plan --split-input-file --verify-diagnostics | filecheck %s

// A 1x1 convolution wants its channels side by side, and relu and the residual run in it. The last
// copy brings the result into the dim order of the output.
// CHECK-LABEL: func.func @fused
// CHECK-NEXT: delegate.region "llvm"(%x, %r) {kernel.arena = 1536 : i64}
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<1x8x4x4xf32>, %[[R:.*]]: tensor<1x16x4x4xf32>):
// CHECK-NEXT: %[[W:.*]] = edge.weight "w"
// CHECK-NEXT: %[[XL:.*]] = kernel.copy %[[X]] at #kernel.place<arena 0 + 0 strides [128, 1, 32, 8]>
// CHECK-NEXT: %[[RL:.*]] = kernel.copy %[[R]] at #kernel.place<arena 512 + 0 strides [256, 1, 64, 16]>
// CHECK-NEXT: %[[S:.*]] = kernel.step at [#kernel.place<arena 512 + 0 strides [256, 1, 64, 16]>] : tensor<1x16x4x4xf32> {
// CHECK-NEXT: %[[C:.*]] = edge.convolution(%[[XL]], %[[W]]
// CHECK-NEXT: %[[A:.*]] = edge.add.Tensor(%[[C]], %[[RL]])
// CHECK-NEXT: %[[P:.*]] = edge.relu(%[[A]])
// CHECK-NEXT: kernel.yield %[[P]]
// CHECK-NEXT: }
// CHECK-NEXT: %[[Y:.*]] = kernel.copy %[[S]] at #kernel.place<argument 2 + 0 strides [256, 16, 4, 1]>
// CHECK-NEXT: delegate.yield %[[Y]]
func.func @fused(%x: tensor<1x8x4x4xf32>, %r: tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32> {
  %0 = delegate.region "llvm"(%x, %r) : (tensor<1x8x4x4xf32>, tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32> {
  ^bb0(%a: tensor<1x8x4x4xf32>, %b: tensor<1x16x4x4xf32>):
    %w = edge.weight "w" : tensor<16x8x1x1xf32>
    %1 = edge.convolution(%a, %w, stride = [1, 1], padding = [0, 0], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x8x4x4xf32>, tensor<16x8x1x1xf32>) -> tensor<1x16x4x4xf32>
    %2 = edge.add.Tensor(%1, %b) : (tensor<1x16x4x4xf32>, tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32>
    %3 = edge.relu(%2) : (tensor<1x16x4x4xf32>) -> tensor<1x16x4x4xf32>
    delegate.yield %3 : tensor<1x16x4x4xf32>
  }
  func.return %0 : tensor<1x16x4x4xf32>
}

// Views cost nothing: they are other strides. One between a product and what could be fused
// behind it moves on; what it would have viewed is viewed the other way.
// CHECK-LABEL: func.func @views
// CHECK: ^bb0(%[[X:.*]]: tensor<6x8xf32>, %[[R:.*]]: tensor<1x6x4xf32>):
// CHECK: %[[V:.*]] = edge.view(%[[R]], size = [6, 4])
// CHECK-NEXT: %[[S:.*]] = kernel.step at [#kernel.place<argument 2 + 0 strides [4, 1]>]
// CHECK-NEXT: %[[L:.*]] = edge.linear(%[[X]]
// CHECK-NEXT: edge.add.Tensor(%[[L]], %[[V]])
// CHECK: }
// CHECK-NEXT: %[[Y:.*]] = edge.view(%[[S]], size = [1, 6, 4])
// CHECK-NEXT: delegate.yield %[[Y]]
func.func @views(%x: tensor<6x8xf32>, %r: tensor<1x6x4xf32>) -> tensor<1x6x4xf32> {
  %0 = delegate.region "llvm"(%x, %r) : (tensor<6x8xf32>, tensor<1x6x4xf32>) -> tensor<1x6x4xf32> {
  ^bb0(%a: tensor<6x8xf32>, %b: tensor<1x6x4xf32>):
    %w = edge.weight "w" : tensor<4x8xf32>
    %1 = edge.linear(%a, %w) : (tensor<6x8xf32>, tensor<4x8xf32>) -> tensor<6x4xf32>
    %2 = edge.view(%1, size = [1, 6, 4]) : (tensor<6x4xf32>) -> tensor<1x6x4xf32>
    %3 = edge.add.Tensor(%2, %b) : (tensor<1x6x4xf32>, tensor<1x6x4xf32>) -> tensor<1x6x4xf32>
    delegate.yield %3 : tensor<1x6x4xf32>
  }
  func.return %0 : tensor<1x6x4xf32>
}

// What is concatenated is written in place; the same value twice must be copied once.
// CHECK-LABEL: func.func @cat
// CHECK: kernel.step at [#kernel.place<argument 1 + 0 strides [16, 1]>] : tensor<2x4xf32> {
// CHECK: kernel.step at [#kernel.place<argument 1 + 4 strides [16, 1]>] : tensor<2x8xf32> {
// CHECK: edge.cat({{.*}}) attributes {kernel.place = #kernel.place<argument 1 + 0 strides [16, 1]>}
func.func @cat(%x: tensor<2x4xf32>) -> tensor<2x16xf32> {
  %0 = delegate.region "llvm"(%x) : (tensor<2x4xf32>) -> tensor<2x16xf32> {
  ^bb0(%a: tensor<2x4xf32>):
    %w = edge.weight "w" : tensor<8x4xf32>
    %1 = edge.relu(%a) : (tensor<2x4xf32>) -> tensor<2x4xf32>
    %2 = edge.linear(%a, %w) : (tensor<2x4xf32>, tensor<8x4xf32>) -> tensor<2x8xf32>
    %3 = edge.cat([%1, %2, %1], dim = 1) : (tensor<2x4xf32>, tensor<2x8xf32>, tensor<2x4xf32>) -> tensor<2x16xf32>
    delegate.yield %3 : tensor<2x16xf32>
  }
  func.return %0 : tensor<2x16xf32>
}

// A region of another backend is left alone.
// CHECK-LABEL: func.func @other
// CHECK: delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<4xf32>):
// CHECK-NEXT: edge.relu(%[[X]])
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}

// -----

// CHECK: error: in edge.erfinv: the LLVM backend cannot take it: the backend has no kernels for it
func.func @unsupported(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.erfinv(%a) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}
