// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: aten::relu has no argument 'dim'
func.func @unknown_argument(%x: tensor<2x3xf32>) {
  %0 = aten.relu(%x, dim = 3) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten::relu takes no further operand
func.func @too_many_operands(%x: tensor<2x3xf32>) {
  %0 = aten.relu(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten::relu: argument 'self' is missing
func.func @missing_operand() {
  %0 = aten.relu() : () -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten::cat: argument 'dim' is given twice
func.func @repeated_argument(%x: tensor<2x3xf32>) {
  %0 = aten.cat([%x], dim = 0, dim = 0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: 1 operands but 2 operand types
func.func @operand_types(%x: tensor<2x3xf32>) {
  %0 = aten.relu(%x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten.relu: Expected 1 result, but got 2
func.func @too_many_results(%x: tensor<2x3xf32>) {
  %0, %1 = aten.relu(%x) : (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)
  func.return
}

// -----

// CHECK: i64 should be of base attribute tensor
func.func @no_tensor(%x: i64) {
  %0 = aten.relu(%x) : (i64) -> tensor<2x3xf32>
  func.return
}

// -----

// A constant of the wrong type, in either syntax.
// CHECK: aten.cat: argument dim: 0.5 is not a int
func.func @wrong_constant(%x: tensor<2x3xf32>) {
  %0 = aten.cat([%x], dim = 0.5) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten.cat: argument dim is 5.000000e-01 : f64; expected int
func.func @wrong_property(%x: tensor<2x3xf32>) {
  %0 = "aten.cat"(%x) <{dim = 0.5 : f64}> : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: property 'dim' expected in operation 'aten.cat'
func.func @missing_property(%x: tensor<2x3xf32>) {
  %0 = "aten.cat"(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten.index.Tensor: indices_mask has 2 tensors, there are 1
func.func @holes(%x: tensor<2x3xf32>, %i: tensor<2xi64>) {
  %0 = "aten.index.Tensor"(%x, %i) <{indices_mask = array<i1: true, true>}> : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: Operation aten.nope is not registered
func.func @unknown_operator(%x: tensor<2x3xf32>) {
  %0 = aten.nope(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten.number: has type tensor<i64>, not tensor<f64>
func.func @number_type() {
  %0 = aten.number 0.5 : tensor<i64>
  func.return
}

// -----

// CHECK: expected a number
func.func @no_number() {
  %0 = aten.number "a" : tensor<i64>
  func.return
}

// -----

// CHECK: aten.cat: argument 'tensors' is a list: write [%a, %b]
func.func @no_list(%x: tensor<2x3xf32>) {
  %0 = aten.cat(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten.relu: argument 'self' is one tensor, not a list
func.func @list(%x: tensor<2x3xf32>) {
  %0 = aten.relu([%x]) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// -----

// CHECK: aten.view: argument size: 1.5 in a list of SymInt
func.func @float_in_list(%x: tensor<2x3xf32>) {
  %0 = aten.view(%x, size = [1.5, 4]) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}
