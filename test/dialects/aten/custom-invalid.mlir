// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: aten.custom: not an operator schema: 'my_ops::foo'
func.func @no_schema(%x: tensor<3xf32>) {
  %0 = aten.custom "my_ops::foo"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: aten.custom: not an argument of a schema: 'Tensor<3> x'
func.func @no_argument(%x: tensor<3xf32>) {
  %0 = aten.custom "my_ops::foo(Tensor<3> x) -> Tensor"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: aten.custom: my_ops::foo writes its argument x
func.func @written(%x: tensor<3xf32>) {
  %0 = aten.custom "my_ops::foo(Tensor(a!) x) -> Tensor"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: aten.custom: my_ops::foo returns a view of its argument
func.func @view(%x: tensor<3xf32>) {
  %0 = aten.custom "my_ops::foo(Tensor(a) x) -> Tensor(a)"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: edge.custom: my_ops::foo.n takes the str[] names, which no program can pass
func.func @strings(%x: tensor<3xf32>) {
  %0 = edge.custom "my_ops::foo.n(Tensor x, str[] names) -> Tensor"(%x, names = ["a"]) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: aten.custom: my_ops::foo returns something else than tensors
func.func @number(%x: tensor<3xf32>) {
  %0 = aten.custom "my_ops::foo(Tensor x) -> int"(%x) : (tensor<3xf32>) -> i64
  func.return
}

// -----

// CHECK: aten.custom: my_ops::foo returns nothing
func.func @nothing(%x: tensor<3xf32>) {
  aten.custom "my_ops::foo(Tensor x) -> ()"(%x) : (tensor<3xf32>) -> ()
  func.return
}

// -----

// CHECK: my_ops::foo has no argument 'scale'
func.func @unknown_argument(%x: tensor<3xf32>) {
  %0 = aten.custom "my_ops::foo(Tensor x) -> Tensor"(%x, scale = 1.0) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: aten.custom: argument k: 0.5 is not a SymInt
func.func @wrong_constant(%x: tensor<3xf32>) {
  %0 = aten.custom "my_ops::foo(Tensor x, SymInt k) -> Tensor"(%x, k = 0.5) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: aten.custom: Expected 1 result, but got 2
func.func @results(%x: tensor<3xf32>) {
  %0, %1 = aten.custom "my_ops::foo(Tensor x) -> Tensor"(%x) : (tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  func.return
}

// -----

// CHECK: aten.custom: argument k is "a"; expected SymInt
func.func @generic_constant(%x: tensor<3xf32>) {
  %0 = "aten.custom"(%x) <{schema = "my_ops::foo(Tensor x, SymInt k) -> Tensor", k = "a"}> : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: aten.custom: not an operator schema: 'my_ops::foo'
func.func @generic_schema(%x: tensor<3xf32>) {
  %0 = "aten.custom"(%x) <{schema = "my_ops::foo"}> : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}

// -----

// CHECK: edge.custom: has no schema
func.func @generic_without(%x: tensor<3xf32>) {
  %0 = "edge.custom"(%x) : (tensor<3xf32>) -> tensor<3xf32>
  func.return
}
