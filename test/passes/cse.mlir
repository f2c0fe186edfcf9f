// RUN: edge-opt %s -p cse | filecheck %s

// Equal operators on equal operands are one; so are reads of the same weight and equal constants.
// CHECK-LABEL: func.func @equal
// CHECK-NEXT: %c = edge.constant
// CHECK-NEXT: %0 = edge.add.Tensor(%x, %c)
// CHECK-NEXT: %1 = edge.gelu(%0)
// CHECK-NEXT: func.return %1, %1
func.func @equal(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %c = edge.constant #edge.constant<"0x0000803F" : tensor<2xf32>> : tensor<2xf32>
  %d = edge.constant #edge.constant<"0x0000803F0000803F" : tensor<2xf32>> : tensor<2xf32>
  %0 = edge.add.Tensor(%x, %c) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = edge.add.Tensor(%x, %d) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = edge.gelu(%0) : (tensor<2xf32>) -> tensor<2xf32>
  %3 = edge.gelu(%1) : (tensor<2xf32>) -> tensor<2xf32>
  func.return %2, %3 : tensor<2xf32>, tensor<2xf32>
}

// Other arguments make other operators; two draws are two.
// CHECK-LABEL: func.func @different
// CHECK-NEXT: edge.gelu(%x) :
// CHECK-NEXT: edge.gelu(%x, approximate = "tanh")
// CHECK-NEXT: edge.rand
// CHECK-NEXT: edge.rand
func.func @different(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = edge.gelu(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = edge.gelu(%x, approximate = "tanh") : (tensor<2xf32>) -> tensor<2xf32>
  %2 = edge.rand(size = [2], dtype = f32) : () -> tensor<2xf32>
  %3 = edge.rand(size = [2], dtype = f32) : () -> tensor<2xf32>
  func.return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
