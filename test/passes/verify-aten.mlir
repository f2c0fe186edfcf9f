// RUN: edge-opt %s -p verify-aten --split-input-file --verify-diagnostics | filecheck %s

// A sound module passes: a Python number raises integers to f32, but no f16 to f32.
// CHECK-LABEL: func.func @sound
// CHECK: func.return
func.func @sound(%i: tensor<4xi64>, %h: tensor<4xf16>) -> (tensor<4xf32>, tensor<4xf16>, tensor<4xi1>) {
  %n = aten.number 0.5 : tensor<f64>
  %w = edge.constant #edge.constant<"0x00000000" : tensor<4xf32>> : tensor<4xf32>
  %0 = aten.mul.Tensor(%i, %n) : (tensor<4xi64>, tensor<f64>) -> tensor<4xf32>
  %1 = aten.add.Tensor(%0, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = aten.mul.Tensor(%h, %n) : (tensor<4xf16>, tensor<f64>) -> tensor<4xf16>
  %3 = aten.lt.Tensor(%i, %2) : (tensor<4xi64>, tensor<4xf16>) -> tensor<4xi1>
  func.return %1, %2, %3 : tensor<4xf32>, tensor<4xf16>, tensor<4xi1>
}

// -----

// Views may count from the end, and leave one size out.
// CHECK-LABEL: func.func @views
// CHECK: func.return
func.func @views(%x: tensor<2x3x4xf32>) -> tensor<4x1x6xf32> {
  %0 = aten.view(%x, size = [-1, 4]) : (tensor<2x3x4xf32>) -> tensor<6x4xf32>
  %1 = aten.transpose.int(%0, dim0 = -1, dim1 = -2) : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %2 = aten.unsqueeze(%1, dim = -2) : (tensor<4x6xf32>) -> tensor<4x1x6xf32>
  func.return %2 : tensor<4x1x6xf32>
}

// -----

// All violations are named at once: an edge operator, the result types of three promotions, a shape.
// CHECK: model.py:3: error: in net.act (edge.relu): is no operation of the aten dialect
// CHECK-NEXT: error: in aten.mul.Tensor: the result is of i64, but the operands promote to f32
// CHECK-NEXT: error: in aten.eq.Scalar: the result is of f32, but the operands promote to i1
// CHECK-NEXT: error: in aten.exp: the result is of i64, but the operands promote to f32
// CHECK-NEXT: error: in aten.bmm: expected two tensors of 3 dims, got [4] and [4] (operands: self [4], mat2 [4])
func.func @all(%x: tensor<4xf32>, %i: tensor<4xi64>) {
  %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("net.act"("model.py":3:0))
  %1 = aten.mul.Tensor(%x, %i) : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xi64>
  %2 = aten.eq.Scalar(%x, other = 1) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = aten.exp(%i) : (tensor<4xi64>) -> tensor<4xi64>
  %4 = aten.bmm(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  func.return
}

// -----

// An operation of no dialect of ours.
// CHECK: error: in test.op: is no operation of the aten dialect
func.func @foreign() {
  "test.op"() : () -> ()
  func.return
}

// -----

// An operator of the table is no custom one.
// CHECK: error: in aten.custom: aten::relu is no custom operator; use aten.relu
func.func @custom(%x: tensor<4xf32>) {
  %0 = aten.custom "aten::relu(Tensor self) -> Tensor"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}
