// RUN: edge-opt %s -p canonicalize | filecheck %s

// A chain of views is one view.
// CHECK-LABEL: func.func @views
// CHECK-NEXT: %0 = edge.view(%x, size = [1, 4]) : (tensor<4xf32>) -> tensor<1x4xf32>
// CHECK-NEXT: func.return %0
func.func @views(%x: tensor<4xf32>) -> tensor<1x4xf32> {
  %0 = edge.view(%x, size = [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
  %1 = edge.view(%0, size = [1, 4]) : (tensor<2x2xf32>) -> tensor<1x4xf32>
  func.return %1 : tensor<1x4xf32>
}

// A chain of permutes is one permute: [2, 0, 1] after [1, 2, 0] is none, after [2, 0, 1] it is [1, 2, 0].
// CHECK-LABEL: func.func @permutes
// CHECK-NEXT: %0 = edge.permute(%x, dims = [1, 2, 0]) : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
// CHECK-NEXT: func.return %x, %0
func.func @permutes(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<3x4x2xf32>) {
  %0 = edge.permute(%x, dims = [1, 2, 0]) : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = edge.permute(%0, dims = [2, 0, 1]) : (tensor<3x4x2xf32>) -> tensor<2x3x4xf32>
  %2 = edge.permute(%x, dims = [2, 0, 1]) : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %3 = edge.permute(%2, dims = [2, 0, 1]) : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  func.return %1, %3 : tensor<2x3x4xf32>, tensor<3x4x2xf32>
}

// Slices of slices add up on the same dim, not on another one or with a step.
// CHECK-LABEL: func.func @slices
// CHECK-NEXT: %[[A:.*]] = edge.slice.Tensor(%x, dim = 1, start = 3, end = 5) : (tensor<4x8xf32>) -> tensor<4x2xf32>
// CHECK-NEXT: %[[B:.*]] = edge.slice.Tensor(%x, dim = 1, start = 2, end = 6)
// CHECK-NEXT: %[[C:.*]] = edge.slice.Tensor(%[[B]], start = 1, end = 3)
// CHECK-NEXT: %[[D:.*]] = edge.slice.Tensor(%[[B]], dim = 1, start = 0, end = 4, step = 2)
// CHECK-NEXT: func.return %[[A]], %[[C]], %[[D]]
func.func @slices(%x: tensor<4x8xf32>) -> (tensor<4x2xf32>, tensor<2x4xf32>, tensor<4x2xf32>) {
  %0 = edge.slice.Tensor(%x, dim = 1, start = 2, end = 6) : (tensor<4x8xf32>) -> tensor<4x4xf32>
  %1 = edge.slice.Tensor(%0, dim = 1, start = 1, end = 3) : (tensor<4x4xf32>) -> tensor<4x2xf32>
  %2 = edge.slice.Tensor(%x, dim = 1, start = 2, end = 6) : (tensor<4x8xf32>) -> tensor<4x4xf32>
  %3 = edge.slice.Tensor(%2, start = 1, end = 3) : (tensor<4x4xf32>) -> tensor<2x4xf32>
  %4 = edge.slice.Tensor(%2, dim = 1, start = 0, end = 4, step = 2) : (tensor<4x4xf32>) -> tensor<4x2xf32>
  func.return %1, %3, %4 : tensor<4x2xf32>, tensor<2x4xf32>, tensor<4x2xf32>
}

// Empty operands are dropped, unless the element type comes from them; what is left alone is the
// result.
// CHECK-LABEL: func.func @concatenations
// CHECK-NEXT: %[[A:.*]] = edge.cat({{\[}}%x, %y], dim = 1)
// CHECK-NEXT: %[[B:.*]] = edge.cat([%h, %none])
// CHECK-NEXT: func.return %[[A]], %[[B]], %x
func.func @concatenations(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>, %h: tensor<2xf16>, %none: tensor<0xf32>) -> (tensor<4x5xf32>, tensor<2xf32>, tensor<4x2xf32>) {
  %0 = edge.slice.Tensor(%x, dim = 1, start = 2, end = 2) : (tensor<4x2xf32>) -> tensor<4x0xf32>
  %1 = edge.cat([%x, %0, %y], dim = 1) : (tensor<4x2xf32>, tensor<4x0xf32>, tensor<4x3xf32>) -> tensor<4x5xf32>
  %2 = edge.cat([%h, %none]) : (tensor<2xf16>, tensor<0xf32>) -> tensor<2xf32>
  %3 = edge.cat([%none, %x, %0], dim = 1) : (tensor<0xf32>, tensor<4x2xf32>, tensor<4x0xf32>) -> tensor<4x2xf32>
  func.return %1, %2, %3 : tensor<4x5xf32>, tensor<2xf32>, tensor<4x2xf32>
}

// No-ops are folded, and what is not used is erased; a draw is an effect and stays.
// CHECK-LABEL: func.func @dead
// CHECK-NEXT: edge.rand
// CHECK-NEXT: func.return %x
func.func @dead(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.view(%x, size = [4]) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.exp(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.rand(size = [4], dtype = f32) : () -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// The aten dialect says what the user wrote, and keeps it.
// CHECK-LABEL: func.func @aten
// CHECK-NEXT: aten.view
// CHECK-NEXT: aten.view
func.func @aten(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = aten.view(%x, size = [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
  %1 = aten.view(%0, size = [4]) : (tensor<2x2xf32>) -> tensor<4xf32>
  func.return %1 : tensor<4xf32>
}
