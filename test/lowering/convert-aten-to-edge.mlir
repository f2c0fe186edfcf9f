// RUN: edge-opt %s -p convert-aten-to-edge --split-input-file --verify-diagnostics | filecheck %s

// Promotion becomes casts: i64 + f32 is computed in f32; a comparison casts its operands only.
// CHECK-LABEL: func.func @promotion
// CHECK-NEXT: %0 = edge._to_copy(%i, dtype = f32) : (tensor<4xi64>) -> tensor<4xf32>
// CHECK-NEXT: %1 = edge.add.Tensor(%0, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %2 = edge._to_copy(%i, dtype = f32)
// CHECK-NEXT: %3 = edge.lt.Tensor(%2, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
// CHECK-NEXT: %4 = edge._to_copy(%i, dtype = f32)
// CHECK-NEXT: %5 = edge.exp(%4)
func.func @promotion(%i: tensor<4xi64>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi1>, tensor<4xf32>) {
  %0 = aten.add.Tensor(%i, %x) : (tensor<4xi64>, tensor<4xf32>) -> tensor<4xf32>
  %1 = aten.lt.Tensor(%i, %x) : (tensor<4xi64>, tensor<4xf32>) -> tensor<4xi1>
  %2 = aten.exp(%i) : (tensor<4xi64>) -> tensor<4xf32>
  func.return %0, %1, %2 : tensor<4xf32>, tensor<4xi1>, tensor<4xf32>
}

// -----

// A tensor without dims counts with its category only: no cast of f16 to f32, but of the 0-d tensor.
// CHECK-LABEL: func.func @zero_dims
// CHECK-NEXT: %0 = edge._to_copy(%s, dtype = f16) : (tensor<f32>) -> tensor<f16>
// CHECK-NEXT: %1 = edge.mul.Tensor(%h, %0) : (tensor<4xf16>, tensor<f16>) -> tensor<4xf16>
func.func @zero_dims(%h: tensor<4xf16>, %s: tensor<f32>) -> tensor<4xf16> {
  %0 = aten.mul.Tensor(%h, %s) : (tensor<4xf16>, tensor<f32>) -> tensor<4xf16>
  func.return %0 : tensor<4xf16>
}

// -----

// A Python number becomes an argument, or a constant where the operator takes tensors only.
// CHECK-LABEL: func.func @numbers
// CHECK-NEXT: %0 = edge._to_copy(%i, dtype = f32)
// CHECK-NEXT: %1 = edge.mul.Scalar(%0, other = 0.5) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %2 = edge.constant #edge.constant<"0x0000003F" : tensor<f32>> : tensor<f32>
// CHECK-NEXT: %3 = edge.maximum(%1, %2) : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
// CHECK-NEXT: func.return %3
func.func @numbers(%i: tensor<4xi64>) -> tensor<4xf32> {
  %n = aten.number 0.5 : tensor<f64>
  %0 = aten.mul.Tensor(%i, %n) : (tensor<4xi64>, tensor<f64>) -> tensor<4xf32>
  %1 = aten.maximum(%0, %n) : (tensor<4xf32>, tensor<f64>) -> tensor<4xf32>
  func.return %1 : tensor<4xf32>
}

// -----

// The condition of a choice is no number, and stays as it is.
// CHECK-LABEL: func.func @where
// CHECK: edge.where.self(%c, %x, %{{.*}}) : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
func.func @where(%c: tensor<4xi1>, %x: tensor<4xf32>, %i: tensor<4xi64>) -> tensor<4xf32> {
  %0 = aten.where.self(%c, %x, %i) : (tensor<4xi1>, tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// -----

// Every change of shape is a view, every change of order a permute with dims from the front.
// CHECK-LABEL: func.func @views
// CHECK-NEXT: %0 = edge.view(%x, size = [1, 2, 3]) : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
// CHECK-NEXT: %1 = edge.permute(%0, dims = [0, 2, 1])
// CHECK-NEXT: %2 = edge.view(%1, size = [6])
// CHECK-NEXT: %3 = edge.permute(%x, dims = [1, 0])
// CHECK-NEXT: func.return %2, %3
func.func @views(%x: tensor<2x3xf32>) -> (tensor<6xf32>, tensor<3x2xf32>) {
  %0 = aten.unsqueeze(%x, dim = 0) : (tensor<2x3xf32>) -> tensor<1x2x3xf32>
  %1 = aten.transpose.int(%0, dim0 = -1, dim1 = -2) : (tensor<1x2x3xf32>) -> tensor<1x3x2xf32>
  %2 = aten.clone(%1) : (tensor<1x3x2xf32>) -> tensor<1x3x2xf32>
  %3 = aten.view(%2, size = [-1]) : (tensor<1x3x2xf32>) -> tensor<6xf32>
  %4 = aten.t(%x) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  func.return %3, %4 : tensor<6xf32>, tensor<3x2xf32>
}

// -----

// Selects, splits and slices are slices with bounds inside the dim.
// CHECK-LABEL: func.func @slices
// CHECK-NEXT: %0 = edge.slice.Tensor(%x, dim = 1, start = 5, end = 6) : (tensor<2x6xf32>) -> tensor<2x1xf32>
// CHECK-NEXT: %1 = edge.view(%0, size = [2])
// CHECK-NEXT: %2 = edge.slice.Tensor(%x, dim = 1, start = 0, end = 4)
// CHECK-NEXT: %3 = edge.slice.Tensor(%x, dim = 1, start = 4, end = 6)
// CHECK-NEXT: %4 = edge.slice.Tensor(%x, dim = 1, start = 3, end = 5)
// CHECK-NEXT: func.return %1, %3, %x, %4
func.func @slices(%x: tensor<2x6xf32>) -> (tensor<2xf32>, tensor<2x2xf32>, tensor<2x6xf32>, tensor<2x2xf32>) {
  %0 = aten.select.int(%x, dim = 1, index = -1) : (tensor<2x6xf32>) -> tensor<2xf32>
  %1, %2 = aten.split_with_sizes(%x, split_sizes = [4, 2], dim = -1) : (tensor<2x6xf32>) -> (tensor<2x4xf32>, tensor<2x2xf32>)
  %3 = aten.slice.Tensor(%x, dim = 1, start = 0, end = 9223372036854775807) : (tensor<2x6xf32>) -> tensor<2x6xf32>
  %4 = aten.narrow_copy(%x, dim = -1, start = -3, length = 2) : (tensor<2x6xf32>) -> tensor<2x2xf32>
  func.return %0, %2, %3, %4 : tensor<2xf32>, tensor<2x2xf32>, tensor<2x6xf32>, tensor<2x2xf32>
}

// -----

// Convolutions of any rank are one operator; one without a batch gets one. Composites stay whole.
// CHECK-LABEL: func.func @composites
// CHECK-NEXT: %0 = edge.view(%x, size = [1, 2, 8])
// CHECK-NEXT: %1 = edge.convolution(%0, %w, stride = [2], padding = [1], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x2x8xf32>, tensor<4x2x3xf32>) -> tensor<1x4x4xf32>
// CHECK-NEXT: %2 = edge.view(%1, size = [4, 4])
// CHECK-NEXT: %3 = edge.linear(%2, %l)
// CHECK-NEXT: %4 = edge.layer_norm(%3, normalized_shape = [5])
// CHECK-NEXT: %5 = edge._softmax(%4, dim = -1, half_to_float = false)
func.func @composites(%x: tensor<2x8xf32>, %w: tensor<4x2x3xf32>, %l: tensor<5x4xf32>) -> tensor<4x5xf32> {
  %0 = aten.conv1d(%x, %w, stride = [2], padding = [1]) : (tensor<2x8xf32>, tensor<4x2x3xf32>) -> tensor<4x4xf32>
  %1 = aten.linear(%0, %l) : (tensor<4x4xf32>, tensor<5x4xf32>) -> tensor<4x5xf32>
  %2 = aten.layer_norm(%1, normalized_shape = [5]) : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %3 = aten.softmax.int(%2, dim = -1) : (tensor<4x5xf32>) -> tensor<4x5xf32>
  func.return %3 : tensor<4x5xf32>
}

// -----

// Sizes known only at run time are kept as expressions.
// CHECK-LABEL: func.func @symbolic
// CHECK-NEXT: edge.view(%x, size = #edge.exprs<[4 * s0]>)
func.func @symbolic(%x: tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> tensor<?xf32, #edge.layout<dims = [4 * s0]>> attributes {edge.symbols = {s0 = [1, 8]}} {
  %0 = aten.view(%x, size = [-1]) : (tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> tensor<?xf32, #edge.layout<dims = [4 * s0]>>
  func.return %0 : tensor<?xf32, #edge.layout<dims = [4 * s0]>>
}

// -----

// A custom operator keeps its schema; it takes its operands as they are.
// CHECK-LABEL: func.func @custom
// CHECK-NEXT: %0 = edge.custom "my_ops::foo(Tensor x, Tensor? y=None, float k=1.) -> Tensor"(%i, k = 2.0) : (tensor<4xi64>) -> tensor<4xf32>
// CHECK-NEXT: func.return %0
func.func @custom(%i: tensor<4xi64>) -> tensor<4xf32> {
  %0 = aten.custom "my_ops::foo(Tensor x, Tensor? y=None, float k=1.) -> Tensor"(%i, k = 2.0) : (tensor<4xi64>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// -----

// No dims are all dims of other reductions, but not of any.
// CHECK-LABEL: func.func @any_over_nothing(
// CHECK-NEXT: edge.ne.Scalar(%x, other = 0) : (tensor<4xf32>) -> tensor<4xi1>
// CHECK-NEXT: edge.any.dims(%x, dim = [0]) : (tensor<4xf32>) -> tensor<i1>
// CHECK-NEXT: return
func.func @any_over_nothing(%x: tensor<4xf32>) -> (tensor<4xi1>, tensor<i1>) {
  %0 = aten.any.dims(%x, dim = []) : (tensor<4xf32>) -> tensor<4xi1>
  %1 = aten.any.dims(%x, dim = [0]) : (tensor<4xf32>) -> tensor<i1>
  func.return %0, %1 : tensor<4xi1>, tensor<i1>
}

// -----

// Branches and loops, with what stands in them.
// CHECK-LABEL: func.func @regions(
// CHECK: edge.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
// CHECK-NEXT: edge.mul.Scalar(%x, other = 2)
// CHECK-NEXT: edge.yield
// CHECK-NEXT: } else {
// CHECK-NEXT: edge.yield %x : tensor<4xf32>
// CHECK: edge.map(%{{.*}}) : (tensor<4xf32>) -> tensor<4xf64> {
// CHECK-NEXT: ^bb0(%a: tensor<f32>):
// CHECK-NEXT: edge._to_copy(%a, dtype = f64)
func.func @regions(%p: tensor<i1>, %x: tensor<4xf32>) {
  %0 = aten.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
    %1 = aten.number 2 : tensor<i64>
    %2 = aten.mul.Tensor(%x, %1) : (tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
    aten.yield %2 : tensor<4xf32>
  } else {
    aten.yield %x : tensor<4xf32>
  }
  %3 = aten.map(%0) : (tensor<4xf32>) -> tensor<4xf64> {
  ^bb0(%a: tensor<f32>):
    %5 = aten._to_copy(%a, dtype = f64) : (tensor<f32>) -> tensor<f64>
    aten.yield %5 : tensor<f64>
  }
  func.return
}

// -----

// CHECK: error: in net (aten.detach): has a result of tensor<4xi8>, but gives tensor<4xf32>; write that, or cast it
func.func @other_type(%x: tensor<4xf32>) -> tensor<4xi8> {
  %0 = aten.detach(%x) : (tensor<4xf32>) -> tensor<4xi8> loc("net")
  func.return %0 : tensor<4xi8>
}
