// RUN: EDGE_ROUNDTRIP

// The schema stands in the text; arguments are printed as for operators of the table.
// CHECK-LABEL: func.func @calls(
func.func @calls(%x: tensor<2x3xf32>) {
  // CHECK-NEXT: %0 = aten.custom "my_ops::foo(Tensor x, float scale=1.0) -> Tensor"(%x, scale = 2.0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = aten.custom "my_ops::foo(Tensor x, float scale=1.0) -> Tensor"(%x, scale = 2.0) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: %1 = edge.custom "my_ops::foo(Tensor x, float scale=1.0) -> Tensor"(%0) attributes {note = "kept"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = edge.custom "my_ops::foo(Tensor x, float scale=1.0) -> Tensor"(x = %0, scale = 1.0) attributes {note = "kept"} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  func.return
}

// Every kind of argument; an absent tensor, a list of tensors, and one with holes.
// CHECK-LABEL: func.func @arguments(
func.func @arguments(%x: tensor<3xf32>, %y: tensor<4xf32>) {
  // CHECK-NEXT: aten.custom "my_ops::all.of(Tensor x, Tensor? y, Tensor[] z, Tensor?[] w, SymInt n, SymInt[] ns, bool[] bs, float[] fs, str s=\22a, b\22, Scalar c=3, ScalarType d=6, ScalarType? e=None, *, int? i=None) -> Tensor"(%x, z = [%x, %y], w = [none, %y], n = 7, ns = #edge.exprs<[2, s0]>, bs = [true, false], fs = [0.5], s = "q\22", c = true, d = bf16, e = i1, i = -1) : (tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3xf32>
  %0 = aten.custom "my_ops::all.of(Tensor x, Tensor? y, Tensor[] z, Tensor?[] w, SymInt n, SymInt[] ns, bool[] bs, float[] fs, str s=\"a, b\", Scalar c=3, ScalarType d=6, ScalarType? e=None, *, int? i=None) -> Tensor"(%x, z = [%x, %y], w = [none, %y], n = 7, ns = #edge.exprs<[2, s0]>, bs = [true, false], fs = [0.5], s = "q\"", c = true, d = bf16, e = i1, i = -1) : (tensor<3xf32>, tensor<3xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3xf32>
  // What equals its default is not printed.
  // CHECK-NEXT: (%x, %y, [], [], n = 7, ns = [], bs = [], fs = []) : (tensor<3xf32>, tensor<4xf32>) -> tensor<3xf32>
  %1 = aten.custom "my_ops::all.of(Tensor x, Tensor? y, Tensor[] z, Tensor?[] w, SymInt n, SymInt[] ns, bool[] bs, float[] fs, str s=\"a, b\", Scalar c=3, ScalarType d=6, ScalarType? e=None, *, int? i=None) -> Tensor"(%x, %y, [], [], n = 7, ns = [], bs = [], fs = [], s = "a, b", c = 3, d = f32) : (tensor<3xf32>, tensor<4xf32>) -> tensor<3xf32>
  func.return
}

// Arguments and results may be called as the parts of an operation are.
// CHECK-LABEL: func.func @names(
func.func @names(%x: tensor<3xf32>) {
  // CHECK-NEXT: aten.custom "my_ops::names(Tensor operands, Tensor?[] results, int schema, str name, float traits) -> (Tensor location, Tensor)"(%x, [none, %x], schema = 1, name = "a", traits = 0.5) : (tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  %0, %1 = aten.custom "my_ops::names(Tensor operands, Tensor?[] results, int schema, str name, float traits) -> (Tensor location, Tensor)"(%x, [none, %x], schema = 1, name = "a", traits = 0.5) : (tensor<3xf32>, tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>)
  func.return
}

// A list of results.
// CHECK-LABEL: func.func @parts(
func.func @parts(%x: tensor<3xf32>) {
  // CHECK-NEXT: %0, %1 = aten.custom "my_ops::parts(Tensor x) -> Tensor[]"(%x) : (tensor<3xf32>) -> (tensor<1xf32>, tensor<2xf32>)
  %0, %1 = aten.custom "my_ops::parts(Tensor x) -> Tensor[]"(%x) : (tensor<3xf32>) -> (tensor<1xf32>, tensor<2xf32>)
  func.return
}
