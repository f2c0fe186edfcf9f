// RUN: EDGE_ROUNDTRIP

// Operands by position, constants by name; what equals its default is not printed.
// CHECK-LABEL: func.func @calls(
func.func @calls(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>) {
  // CHECK-NEXT: %0 = aten.conv2d(%x, %w, %b, stride = [2, 2]) : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x3x3xf32>
  %0 = aten.conv2d(%x, %w, %b, stride = [2, 2], padding = [0, 0]) : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x3x3xf32>
  // An optional operand that is left out.
  // CHECK-NEXT: %1 = aten.conv2d(%x, %w, padding = [1, 1]) : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
  %1 = aten.conv2d(%x, %w, padding = [1, 1]) : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x8x8xf32>
  // An operand after one that is left out has its name.
  // CHECK-NEXT: %2 = aten.clamp.Tensor(%x, max = %x) : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %2 = aten.clamp.Tensor(%x, max = %x) : (tensor<1x3x8x8xf32>, tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  func.return
}

// Lists of operands, with holes where the schema has Tensor?[].
// CHECK-LABEL: func.func @lists(
func.func @lists(%x: tensor<2x3xf32>, %i: tensor<2xi64>) {
  // CHECK-NEXT: %0 = aten.cat([%x, %x], dim = 1) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
  %0 = aten.cat([%x, %x], dim = 1) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x6xf32>
  // CHECK-NEXT: %1 = aten.index.Tensor(%x, [none, %i]) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  %1 = aten.index.Tensor(%x, [none, %i]) : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  // Several results, and a list of them.
  // CHECK-NEXT: %2, %3 = aten.topk(%x, k = 1) : (tensor<2x3xf32>) -> (tensor<2x1xf32>, tensor<2x1xi64>)
  %2, %3 = aten.topk(%x, k = 1) : (tensor<2x3xf32>) -> (tensor<2x1xf32>, tensor<2x1xi64>)
  // CHECK-NEXT: %4, %5 = aten.split_with_sizes(%x, split_sizes = [1, 1]) : (tensor<2x3xf32>) -> (tensor<1x3xf32>, tensor<1x3xf32>)
  %4, %5 = aten.split_with_sizes(%x, split_sizes = [1, 1]) : (tensor<2x3xf32>) -> (tensor<1x3xf32>, tensor<1x3xf32>)
  func.return
}

// Every kind of constant.
// CHECK-LABEL: func.func @constants(
func.func @constants(%x: tensor<2x3xf32>, %im: tensor<1x3x8x8xf32>) {
  // CHECK-NEXT: %0 = aten.add.Tensor(%x, %x, alpha = 2.5) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = aten.add.Tensor(%x, %x, alpha = 2.5) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: %1 = aten.clamp(%x, min = -inf, max = 1.0e-05) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = aten.clamp(%x, min = -inf, max = 1.0e-05) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // An integer and a float of one value are two constants.
  // CHECK-NEXT: %2 = aten.add.Tensor(%x, %x, alpha = 1.0) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = aten.add.Tensor(%x, %x, alpha = 1.0) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: %3 = aten.gelu(%x, approximate = "tanh") : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = aten.gelu(%x, approximate = "tanh") : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: %4 = aten._to_copy(%x, dtype = bf16) : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  %4 = aten._to_copy(%x, dtype = bf16) : (tensor<2x3xf32>) -> tensor<2x3xbf16>
  // CHECK-NEXT: %5 = aten.upsample_bilinear2d.vec(%im, align_corners = true, scale_factors = [2.0, 0.5]) : (tensor<1x3x8x8xf32>) -> tensor<1x3x16x4xf32>
  %5 = aten.upsample_bilinear2d.vec(%im, align_corners = true, scale_factors = [2.0, 0.5]) : (tensor<1x3x8x8xf32>) -> tensor<1x3x16x4xf32>
  // CHECK-NEXT: %6 = aten.full_like(%x, fill_value = nan) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %6 = aten.full_like(%x, fill_value = nan) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // A complex number is a constant.
  // CHECK-NEXT: {{.*}} = aten.number #edge.constant<"0x000000000000F03F0000000000000040" : tensor<complex<f64>>> : tensor<complex<f64>>
  %complex = aten.number #edge.constant<"0x000000000000F03F0000000000000040" : tensor<complex<f64>>> : tensor<complex<f64>>

  // A Python number in the place of a tensor.
  // CHECK-NEXT: %7 = aten.number 0.5 : tensor<f64>
  %7 = aten.number 0.5 : tensor<f64>
  // CHECK-NEXT: %8 = aten.mul.Tensor(%x, %7) : (tensor<2x3xf32>, tensor<f64>) -> tensor<2x3xf32>
  %8 = aten.mul.Tensor(%x, %7) : (tensor<2x3xf32>, tensor<f64>) -> tensor<2x3xf32>
  // CHECK-NEXT: %9 = aten.relu(%x) attributes {note = "kept"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %9 = aten.relu(%x) attributes {note = "kept"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// Sizes that are known at run time: in types, and as arguments.
// CHECK-LABEL: func.func @symbols(
// CHECK-SAME: attributes {edge.symbols = {s0 = [2 : i64, 64 : i64]}}
func.func @symbols(%x: tensor<?x3xf32, #edge.layout<dims = [2 * s0 - 1, 3]>>) attributes {edge.symbols = {s0 = [2, 64]}} {
  // CHECK-NEXT: %0 = aten.view(%x, size = #edge.exprs<[(2 * s0 - 1) floordiv 2, 6]>) : (tensor<?x3xf32, #edge.layout<dims = [2 * s0 - 1, 3]>>) -> tensor<?x6xf32, #edge.layout<dims = [(2 * s0 - 1) floordiv 2, 6]>>
  %0 = aten.view(%x, size = #edge.exprs<[(2 * s0 - 1) floordiv 2, 6]>) : (tensor<?x3xf32, #edge.layout<dims = [2 * s0 - 1, 3]>>) -> tensor<?x6xf32, #edge.layout<dims = [(2 * s0 - 1) floordiv 2, 6]>>
  // CHECK-NEXT: %1 = aten.select.int(%x, dim = 0, index = #edge.expr<2 * s0 - 2>) : (tensor<?x3xf32, #edge.layout<dims = [2 * s0 - 1, 3]>>) -> tensor<3xf32>
  %1 = aten.select.int(%x, dim = 0, index = #edge.expr<2 * s0 - 2>) : (tensor<?x3xf32, #edge.layout<dims = [2 * s0 - 1, 3]>>) -> tensor<3xf32>
  func.return
}
