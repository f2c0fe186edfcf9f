// RUN: edge-opt %s -p remove-no-ops | filecheck %s

// Each of these gives back its operand.
// CHECK-LABEL: func.func @no_ops
// CHECK-NEXT: func.return %x, %x, %x, %x, %x, %x
// CHECK-NEXT: }
func.func @no_ops(%x: tensor<4x2xf32>) -> (tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>) {
  %0 = edge.mul.Scalar(%x, other = 1) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %1 = edge._to_copy(%x, dtype = f32) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %2 = edge.slice.Tensor(%x, start = 0, end = 4) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %3 = edge.permute(%x, dims = [0, 1]) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %4 = edge.cat([%x]) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %5 = edge.constant_pad_nd(%x, pad = [0, 0]) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  func.return %0, %1, %2, %3, %4, %5 : tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>
}

// The second relu changes nothing.
// CHECK-LABEL: func.func @relu
// CHECK-NEXT: %0 = edge.relu(%x)
// CHECK-NEXT: func.return %0
func.func @relu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.relu(%0) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %1 : tensor<4xf32>
}

// Adding zero to integers does nothing; to floats it does, because -0.0 + 0.0 is 0.0.
// CHECK-LABEL: func.func @zero
// CHECK-NEXT: %0 = edge.add.Scalar(%x, other = 0)
// CHECK-NEXT: func.return %0, %i
func.func @zero(%x: tensor<4xf32>, %i: tensor<4xi64>) -> (tensor<4xf32>, tensor<4xi64>) {
  %0 = edge.add.Scalar(%x, other = 0) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.add.Scalar(%i, other = 0) : (tensor<4xi64>) -> tensor<4xi64>
  func.return %0, %1 : tensor<4xf32>, tensor<4xi64>
}

// These change dtype, order or content, although the arguments or types look alike.
// CHECK-LABEL: func.func @ops
// CHECK-NEXT: edge._to_copy
// CHECK-NEXT: edge.permute
// CHECK-NEXT: edge.mul.Scalar
// CHECK-NEXT: edge.roll
func.func @ops(%x: tensor<4x4xf32>) -> (tensor<4x4xf16>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = edge._to_copy(%x, dtype = f16) : (tensor<4x4xf32>) -> tensor<4x4xf16>
  %1 = edge.permute(%x, dims = [1, 0]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = edge.mul.Scalar(%x, other = -1) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = edge.roll(%x, shifts = [1], dims = [0]) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %0, %1, %2, %3 : tensor<4x4xf16>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>
}
