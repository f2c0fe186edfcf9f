// RUN: edge-opt %s -p convert-aten-to-edge --split-input-file | filecheck %s --check-prefix=EDGE
// RUN: edge-opt %s -p "convert-aten-to-edge,partition{backend=llvm}" --split-input-file | filecheck %s --check-prefix=REGION
// RUN: edge-opt %s -p "convert-aten-to-edge,partition{backend=llvm},llvm-plan" --split-input-file | filecheck %s --check-prefix=PLAN
// RUN: edge-opt %s -p "convert-aten-to-edge,partition{backend=llvm},llvm-kernels{target-cpu=x86-64-v4}" --split-input-file --save-weights %t.safetensors | filecheck %s
// RUN: edge-opt %s -p "convert-aten-to-edge,partition{backend=llvm},llvm-kernels{target-cpu=x86-64-v4},llvm-code{form=llvm-ir target-cpu=x86-64-v4}" --split-input-file --save-weights %t.safetensors | filecheck %s --check-prefix=IR
// RUN: edge-opt %s -p "convert-aten-to-edge,partition{backend=llvm},llvm-kernels{target-cpu=x86-64-v4},llvm-code{target-cpu=x86-64-v4}" --split-input-file --save-weights %t.safetensors | filecheck %s --check-prefix=ASM

// A convolution from aten to assembly. In edge all kinds of convolutions are one operation, which says
// all that it does.
// EDGE-LABEL: func.func @direct
// EDGE: edge.convolution(%x, %w, %b, stride = [1, 1], padding = [1, 1], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1)
// EDGE: edge.add.Tensor
// EDGE: edge.relu

// The backend takes everything; weights are known inside of its region.
// REGION-LABEL: func.func @direct
// REGION: delegate.region "llvm"(%x, %y)
// REGION: edge.constant
// REGION: edge.convolution
// REGION: edge.relu
// REGION: delegate.yield

// The step: what it reads has channels innermost and zeros around; what is added and the relu belong
// to it, and the result lies over what is added.
// PLAN-LABEL: func.func @direct
// PLAN: %[[X:.*]] = kernel.copy %{{.*}} at #kernel.place<arena 0 + 120 strides [784, 1, 112, 8] halo [0 0, 0 0, 1 1, 1 1]>
// PLAN: %[[R:.*]] = kernel.copy %{{.*}} at #kernel.place<arena 3136 + 0 strides [1440, 1, 288, 24]>
// PLAN: kernel.step at [#kernel.place<arena 3136 + 0 strides [1440, 1, 288, 24]>]
// PLAN-NEXT: edge.convolution(%[[X]], %{{.*}}, %{{.*}}, stride
// PLAN-NEXT: edge.add.Tensor(%{{.*}}, %[[R]])
// PLAN-NEXT: edge.relu

// The kernel: a tile of 12 pixels x 24 channels for each row. Three chunks of 3 * 8 neighbours make
// up K: the rows of the window, in each of which columns and channels stand side by side.
// CHECK-LABEL: func.func @direct
// CHECK: kernel.func @convolution_3x3(%[[X:.*]]: !kernel.ptr<f32>, %[[W:.*]]: !kernel.ptr<f32>, %[[Y:.*]]: !kernel.ptr<f32>, %[[R:.*]]: !kernel.ptr<f32>, %[[B:.*]]: !kernel.ptr<f32>, %{{.*}}: index) {
// CHECK-NEXT: %[[FIRST:.*]] = kernel.advance %[[X]] [] + -120
// CHECK-NEXT: kernel.for %[[ROW:.*]] in 5 {
// CHECK-NEXT: %[[A:.*]] = kernel.advance %[[FIRST]] [%[[ROW]] * 112]
// CHECK-NEXT: %[[C:.*]] = kernel.advance %[[Y]] [%[[ROW]] * 288]
// CHECK-NEXT: %[[E:.*]] = kernel.advance %[[R]] [%[[ROW]] * 288]
// CHECK-NEXT: kernel.tile %[[A]], %[[W]], %[[C]] bias(%[[B]] : !kernel.ptr<f32>) extras(%[[E]] : !kernel.ptr<f32>) {a_rows = array<i64: 0, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88>, c_rows = array<i64: 0, 24, 48, 72, 96, 120, 144, 168, 192, 216, 240, 264>
// CHECK-SAME: columns = 24 : i64, chunks = [array<i64: 3, 112>], depth = 24 : i64, a_step = 1 : i64, b_step = 24 : i64
// CHECK-NEXT: ^bb0(%[[SUM:.*]]: f32, %[[EXTRA:.*]]: f32):
// CHECK-NEXT: arith.addf %[[SUM]], %[[EXTRA]]
// CHECK: arith.maximumf
// CHECK: kernel.launch @convolution_3x3(

// As LLVM text: sums are carried through the loop, an element of A is in all lanes.
// IR-LABEL: func.func @direct
// IR: kernel.code @convolution_3x3 "llvm-ir"
// IR: load <16 x float>
// IR: load <8 x float>
// IR: load float
// IR: shufflevector
// IR: call <16 x float> @llvm.fma.v16f32

// ASM-LABEL: func.func @direct
// ASM: kernel.code @convolution_3x3 "asm"
// ASM: vbroadcastss
// ASM: vfmadd{{.*}} %zmm
// ASM: vmaxps
func.func @direct(%x: tensor<1x8x5x12xf32>, %y: tensor<1x24x5x12xf32>) -> tensor<1x24x5x12xf32> {
  %w = edge.constant #edge.constant<"0x0000803F" : tensor<24x8x3x3xf32>> : tensor<24x8x3x3xf32>
  %b = edge.constant #edge.constant<"0x0000803F" : tensor<24xf32>> : tensor<24xf32>
  %0 = aten.conv2d(%x, %w, %b, padding = [1, 1]) : (tensor<1x8x5x12xf32>, tensor<24x8x3x3xf32>, tensor<24xf32>) -> tensor<1x24x5x12xf32>
  %1 = aten.add.Tensor(%0, %y) : (tensor<1x24x5x12xf32>, tensor<1x24x5x12xf32>) -> tensor<1x24x5x12xf32>
  %2 = aten.relu(%1) : (tensor<1x24x5x12xf32>) -> tensor<1x24x5x12xf32>
  func.return %2 : tensor<1x24x5x12xf32>
}

// -----

// Winograd's algorithm, where it is faster: rows of tiles, a product for each of 36 places, and back.
// It needs no zeros around the input.
// PLAN-LABEL: func.func @winograd
// PLAN-NOT: halo
// PLAN: edge.convolution
// CHECK-LABEL: func.func @winograd
// CHECK: kernel.func @winograd_4x4(
// CHECK: kernel.winograd_input %{{.*}} of %{{.*}} to %{{.*}} {tile = 4 : i64, tiles = 3 : i64, channels = 32 : i64
// CHECK: kernel.for %{{.*}} in 36 {
// CHECK: kernel.tile
// CHECK: kernel.winograd_output %{{.*}} of %{{.*}} to %{{.*}} {tile = 4 : i64, channels = 64 : i64
func.func @winograd(%x: tensor<1x32x12x12xf32>) -> tensor<1x64x12x12xf32> {
  %w = edge.constant #edge.constant<"0x0000803F" : tensor<64x32x3x3xf32>> : tensor<64x32x3x3xf32>
  %0 = aten.conv2d(%x, %w, padding = [1, 1]) : (tensor<1x32x12x12xf32>, tensor<64x32x3x3xf32>) -> tensor<1x64x12x12xf32>
  func.return %0 : tensor<1x64x12x12xf32>
}
