// RUN: edge-opt %s -p dce | filecheck %s

// What nothing uses is erased, with what only it uses.
// CHECK-LABEL: func.func @dead
// CHECK-NEXT: %0 = edge.relu(%x)
// CHECK-NEXT: func.return %0
func.func @dead(%x: tensor<2xf32>) -> tensor<2xf32> {
  %c = edge.constant #edge.constant<"0x0000803F" : tensor<2xf32>> : tensor<2xf32>
  %0 = edge.relu(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %1 = edge.add.Tensor(%0, %c) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = edge.gelu(%1) : (tensor<2xf32>) -> tensor<2xf32>
  func.return %0 : tensor<2xf32>
}

// One used result of several keeps the operator; a draw changes what is drawn next.
// CHECK-LABEL: func.func @alive
// CHECK-NEXT: edge.max.dim
// CHECK-NEXT: edge.rand
func.func @alive(%x: tensor<2x3xf32>) -> tensor<2xi64> {
  %0, %1 = edge.max.dim(%x, dim = 1) : (tensor<2x3xf32>) -> (tensor<2xf32>, tensor<2xi64>)
  %2 = edge.rand(size = [2], dtype = f32) : () -> tensor<2xf32>
  func.return %1 : tensor<2xi64>
}

// A branch that nothing uses goes, with all that stands in it; so does what is dead inside of one.
// CHECK-LABEL: func.func @branches
// CHECK-NEXT: edge.cond
// CHECK-NEXT: edge.yield %x
// CHECK-NEXT: } else {
// CHECK-NEXT: edge.neg
// CHECK-NEXT: edge.yield
// CHECK-NEXT: }
// CHECK-NEXT: func.return
func.func @branches(%p: i1, %x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.cond(%p) : (i1) -> tensor<4xf32> {
    %1 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    edge.yield %x : tensor<4xf32>
  } else {
    %2 = edge.neg(%x) : (tensor<4xf32>) -> tensor<4xf32>
    edge.yield %2 : tensor<4xf32>
  }
  %3 = edge.cond(%p) : (i1) -> tensor<4xf32> {
    %4 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    edge.yield %4 : tensor<4xf32>
  } else {
    edge.yield %x : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}
