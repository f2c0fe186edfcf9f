// RUN: EDGE_ROUNDTRIP

// Where tensors come from.
// CHECK-LABEL: func.func @sources(
func.func @sources() {
  // CHECK-NEXT: %w = edge.weight "fc.weight" : tensor<4x3xbf16>
  %w = edge.weight "fc.weight" : tensor<4x3xbf16>
  // All bits of a constant are kept: nan, infinity, -0.
  // CHECK-NEXT: %0 = edge.constant #edge.constant<"0x0000C07F000080FF00000080" : tensor<3xf32>> : tensor<3xf32>
  %0 = edge.constant #edge.constant<"0x0000C07F000080FF00000080" : tensor<3xf32>> : tensor<3xf32>
  // Equal elements are written once.
  // CHECK-NEXT: %1 = edge.constant #edge.constant<"0x01" : tensor<2x2xi1>> : tensor<2x2xi1>
  %1 = edge.constant #edge.constant<"0x01010101" : tensor<2x2xi1>> : tensor<2x2xi1>
  // CHECK-NEXT: %2 = edge.constant #edge.constant<"0x" : tensor<0x2xf32>> : tensor<0x2xf32>
  %2 = edge.constant #edge.constant<"0x" : tensor<0x2xf32>> : tensor<0x2xf32>
  func.return
}

// Run-time numbers, and numbers that a function returns.
// CHECK-LABEL: func.func @numbers(
func.func @numbers(%n: i64) {
  // CHECK-NEXT: %0 = edge.scalar #edge.expr<2 * s0 + v0>(%n) : (i64) -> i64
  %0 = edge.scalar #edge.expr<v0 + 2 * s0>(%n) : (i64) -> i64
  // CHECK-NEXT: %1 = edge.scalar #edge.expr<min(s0, s1)>() : () -> i64
  %1 = edge.scalar #edge.expr<min(s1, s0)>() : () -> i64
  // CHECK-NEXT: %2 = edge.literal 3 : i64
  %2 = edge.literal 3 : i64
  // CHECK-NEXT: %3 = edge.literal 0.5 : f64
  %3 = edge.literal 0.5 : f64
  // CHECK-NEXT: %4 = edge.literal true : i1
  %4 = edge.literal true : i1
  // CHECK-NEXT: %5 = edge.literal none : none
  %5 = edge.literal none : none
  func.return
}

// Operators, and explicit changes of the dim order.
// CHECK-LABEL: func.func @operators(
func.func @operators(%x: tensor<1x3x8x8xf32>) {
  // CHECK-NEXT: %0 = edge.relu(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  %0 = edge.relu(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
  // CHECK-NEXT: %1 = edge.to_layout %0 : tensor<1x3x8x8xf32> to tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
  %1 = edge.to_layout %0 : tensor<1x3x8x8xf32> to tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
  // CHECK-NEXT: %2 = edge.mean.dim(%x, dim = [2, 3], keepdim = true) : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  %2 = edge.mean.dim(%x, dim = [2, 3], keepdim = true) : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  func.return
}

// Symbols that data decides.
// CHECK-LABEL: func.func @symbols
// CHECK: edge.symbol "s0" = %n : i64
// CHECK: edge.symbol "s1" = %found dim 0 : tensor<?x1xi64, #edge.layout<dims = [s1, 1]>>
func.func @symbols(%x: tensor<4xi64>, %c: tensor<i64>) attributes {edge.symbols = {s0 = [0, 8], s1 = [0, 4]}} {
  %n = edge._local_scalar_dense(%c) : (tensor<i64>) -> i64
  edge.symbol "s0" = %n : i64
  %found = edge.nonzero(%x) : (tensor<4xi64>) -> tensor<?x1xi64, #edge.layout<dims = [s1, 1]>>
  edge.symbol "s1" = %found dim 0 : tensor<?x1xi64, #edge.layout<dims = [s1, 1]>>
  func.return
}
