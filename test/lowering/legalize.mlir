// RUN: edge-opt %s -p 'legalize{target-runtime="executorch-1.5"}' --split-input-file --verify-diagnostics | filecheck %s
// RUN: edge-opt %s -p 'legalize{target-runtime=edgeir}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix=WHOLE

// A composite is decomposed; the interpreter runs it whole.
// CHECK-LABEL: func.func @linear
// CHECK-NEXT: %0 = edge.permute(%w, dims = [1, 0]) : (tensor<3x4xf32>) -> tensor<4x3xf32>
// CHECK-NEXT: %1 = edge.addmm(%b, %x, %0) : (tensor<3xf32>, tensor<2x4xf32>, tensor<4x3xf32>) -> tensor<2x3xf32>
// CHECK-NEXT: func.return %1
// WHOLE-LABEL: func.func @linear
// WHOLE-NEXT: %0 = edge.linear(%x, %w, %b)
func.func @linear(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
  %0 = edge.linear(%x, %w, %b) : (tensor<2x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  func.return %0 : tensor<2x3xf32>
}

// What is legal stays as it is.
// CHECK-LABEL: func.func @legal
// CHECK-NEXT: %0 = edge.gelu(%x)
// CHECK-NEXT: %1 = edge.convolution(%0, %w, stride = [1, 1]
// CHECK-NEXT: func.return %1
func.func @legal(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32> {
  %0 = edge.gelu(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %1 = edge.convolution(%0, %w, stride = [1, 1], padding = [0, 0], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x6x6xf32>
  func.return %1 : tensor<1x4x6x6xf32>
}

// The kernel of convolution is there, but not for three dims: each window of frames becomes channels.
// CHECK-LABEL: func.func @convolution3d
// CHECK: edge.cat
// CHECK: edge.convolution({{.*}} stride = [1, 1], padding = [0, 0], dilation = [1, 1], {{.*}} : (tensor<2x6x4x4xf32>, tensor<5x6x2x2xf32>) -> tensor<2x5x3x3xf32>
// CHECK-NEXT: %[[V:.*]] = edge.view({{.*}}, size = [1, 2, 5, 3, 3])
// CHECK-NEXT: %[[P:.*]] = edge.permute(%[[V]], dims = [0, 2, 1, 3, 4])
// CHECK-NEXT: func.return %[[P]]
func.func @convolution3d(%x: tensor<1x3x3x4x4xf32>, %w: tensor<5x3x2x2x2xf32>) -> tensor<1x5x2x3x3xf32> {
  %0 = edge.convolution(%x, %w, stride = [1, 1, 1], padding = [0, 0, 0], dilation = [1, 1, 1], transposed = false, output_padding = [0, 0, 0], groups = 1) : (tensor<1x3x3x4x4xf32>, tensor<5x3x2x2x2xf32>) -> tensor<1x5x2x3x3xf32>
  func.return %0 : tensor<1x5x2x3x3xf32>
}

// A layer norm in f16 with scales in f32 is computed in f32.
// CHECK-LABEL: func.func @half
// CHECK-NEXT: %0 = edge._to_copy(%x, dtype = f32)
// CHECK-NEXT: %1, %{{.*}}, %{{.*}} = edge.native_layer_norm(%0, normalized_shape = [4], weight = %w, eps = {{.*}}) : (tensor<2x4xf32>, tensor<4xf32>)
// CHECK-NEXT: %{{.*}} = edge._to_copy(%1, dtype = f16)
func.func @half(%x: tensor<2x4xf16>, %w: tensor<4xf32>) -> tensor<2x4xf16> {
  %0 = edge.layer_norm(%x, normalized_shape = [4], %w) : (tensor<2x4xf16>, tensor<4xf32>) -> tensor<2x4xf16>
  func.return %0 : tensor<2x4xf16>
}

// Channels last where the kernel takes it, else converted.
// CHECK-LABEL: func.func @layout
// CHECK-NEXT: %0 = edge.relu(%x)
// CHECK-NEXT: %1 = edge.to_layout %0
// CHECK-NEXT: %2 = edge._adaptive_avg_pool2d(%1, output_size = [2, 2]) : (tensor<1x3x4x4xf32>) -> tensor<1x3x2x2xf32>
// CHECK-NEXT: %3 = edge.to_layout %2
func.func @layout(%x: tensor<1x3x4x4xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x3x2x2xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  %0 = edge.relu(%x) : (tensor<1x3x4x4xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x3x4x4xf32, #edge.layout<order = [0, 2, 3, 1]>>
  %1 = edge._adaptive_avg_pool2d(%0, output_size = [2, 2]) : (tensor<1x3x4x4xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x3x2x2xf32, #edge.layout<order = [0, 2, 3, 1]>>
  func.return %1 : tensor<1x3x2x2xf32, #edge.layout<order = [0, 2, 3, 1]>>
}

// -----

// What is left is listed whole, with places, reasons and advice.
// CHECK: model.py:7: error: in net.head (edge.sort.stable): executorch-1.5 has no kernel aten::sort.values_stable; the indices of a stable sort have no decomposition; rewrite the model without it, or compile for target-runtime=edgeir
// CHECK-NEXT: error: in edge.upsample_bilinear2d.vec: executorch-1.5 runs aten::upsample_bilinear2d.vec_out not on ui8; rewrite
// WHOLE: edge.sort.stable
func.func @illegal(%x: tensor<2x3x4xf32>, %y: tensor<1x3x4x4xui8>) -> (tensor<2x3x4xi64>, tensor<1x3x8x8xui8>) {
  %0, %1 = edge.sort.stable(%x, stable = true) : (tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xi64>) loc("net.head"("model.py":7:0))
  %2 = edge.upsample_bilinear2d.vec(%y, output_size = [8, 8], align_corners = false) : (tensor<1x3x4x4xui8>) -> tensor<1x3x8x8xui8>
  func.return %1, %2 : tensor<2x3x4xi64>, tensor<1x3x8x8xui8>
}

// -----

// A custom operator stays whatever the target, because the device may have its kernel.
// CHECK-LABEL: func.func @custom
// CHECK-NEXT: edge.custom "my_ops::foo(Tensor x) -> Tensor"(%x)
// WHOLE-LABEL: func.func @custom
// WHOLE-NEXT: edge.custom "my_ops::foo(Tensor x) -> Tensor"(%x)
func.func @custom(%x: tensor<4xi64>) -> tensor<4xf32> {
  %0 = edge.custom "my_ops::foo(Tensor x) -> Tensor"(%x) : (tensor<4xi64>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}
