// RUN: edge-opt %s -p verify-edge --split-input-file --verify-diagnostics | filecheck %s

// A sound module passes: casts are explicit, broadcasting is allowed, symbols are declared.
// CHECK-LABEL: func.func @sound
// CHECK: func.return
func.func @sound(%x: tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>, %i: tensor<4xi64>) -> tensor<?x4xf32, #edge.layout<dims = [s0, 4]>> attributes {edge.symbols = {s0 = [1, 8]}} {
  %0 = edge._to_copy(%i, dtype = f32) : (tensor<4xi64>) -> tensor<4xf32>
  %1 = edge.add.Tensor(%x, %0) : (tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>, tensor<4xf32>) -> tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>
  func.return %1 : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>
}

// -----

// All violations are named at once, each with its place: an aten operation, a wrapped number, a promotion.
// CHECK: model.py:1: error: in net.act (aten.relu): is no operation of the edge dialect; run convert-aten-to-edge first
// CHECK-NEXT: error: in aten.number: is no operation of the edge dialect; run convert-aten-to-edge first
// CHECK-NEXT: model.py:2: error: in net.sum (edge.add.Tensor): operand 1 is i64, but operand 0 is f32
func.func @all(%x: tensor<4xf32>, %i: tensor<4xi64>) -> tensor<4xf32> {
  %0 = aten.relu(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("net.act"("model.py":1:0))
  %1 = aten.number 0.5 : tensor<f64>
  %2 = edge.add.Tensor(%0, %i) : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32> loc("net.sum"("model.py":2:0))
  func.return %2 : tensor<4xf32>
}

// -----

// An operation of no dialect of ours.
// CHECK: error: in test.op: is no operation of the edge dialect
func.func @foreign() {
  "test.op"() : () -> ()
  func.return
}

// -----

// A dtype that the operator does not take.
// CHECK: error: in edge.gelu: operand 0 is i64, expected bf16, f16, f32 or f64
func.func @dtype(%i: tensor<4xi64>) -> tensor<4xi64> {
  %0 = edge.gelu(%i) : (tensor<4xi64>) -> tensor<4xi64>
  func.return %0 : tensor<4xi64>
}

// -----

// A dim order changes by edge.to_layout only.
// CHECK: error: in edge.relu: operand 0 has the dim order [0, 2, 3, 1], the result [0, 1, 2, 3]; convert with edge.to_layout
func.func @order(%x: tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32> {
  %0 = edge.relu(%x) : (tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32>
  func.return %0 : tensor<1x3x8x8xf32>
}

// -----

// So does none where the result has the order of the operand.
// CHECK-LABEL: func.func @orders
func.func @orders(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  %0 = edge.to_layout %x : tensor<1x3x8x8xf32> to tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
  %1 = edge.relu(%0) : (tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
  func.return %1 : tensor<1x3x8x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
}

// -----

// Symbols that the function does not declare, in an argument, and sizes without one.
// CHECK: error: in func.func: mentions the symbol s0, which its function does not declare; declare it in edge.symbols
// CHECK-NEXT: error: in edge.nonzero: has a size that is known only at run time and has no symbol
func.func @symbols(%x: tensor<?xf32, #edge.layout<dims = [s0]>>) -> tensor<?x1xi64> {
  %0 = edge.nonzero(%x) : (tensor<?xf32, #edge.layout<dims = [s0]>>) -> tensor<?x1xi64>
  func.return %0 : tensor<?x1xi64>
}

// -----

// Shapes that no kernel could compute with, each with the operands' shapes.
// CHECK: error: in edge.add.Tensor: the shapes [2, 3] and [4] do not broadcast (operands: self [2, 3], other [4])
// CHECK-NEXT: error: in edge.view: [2, 3] has 6 elements, the size [4] has 4 (operands: self [2, 3])
// CHECK-NEXT: error: in edge.permute: dims = [0, 0] is no permutation of the 2 dims of [2, 3]
// CHECK-NEXT: error: in edge.permute: the result has shape [2, 3], expected [3, 2]
// CHECK-NEXT: error: in edge.cat: [2, 3] and [2, 4] differ in more than dim 0
// CHECK-NEXT: error: in edge.mm: [2, 3] and [2, 4] cannot be multiplied (operands: self [2, 3], mat2 [2, 4])
// CHECK-NEXT: error: in edge.linear: the input [2, 3] does not fit the weight [2, 4]
// CHECK-NEXT: error: in edge.expand: [2, 3] does not expand to [4, 3]
// CHECK-NEXT: error: in edge.slice.Tensor: the result has shape [2, 3], expected [2, 1]
// CHECK-NEXT: error: in edge._softmax: the result has shape [3, 2], expected [2, 3]
// CHECK-NEXT: error: in edge.mean.dim: there is no dim 2 in 2 dims
// CHECK-NEXT: error: in edge.layer_norm: the input [2, 3] does not end with normalized_shape = [4]
// CHECK-NEXT: error: in edge.embedding: the result has shape [2, 4], expected [5, 4]
func.func @shapes(%x: tensor<2x3xf32>, %y: tensor<4xf32>, %z: tensor<2x4xf32>, %i: tensor<5xi64>) {
  %0 = edge.add.Tensor(%x, %y) : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<2x3xf32>
  %1 = edge.view(%x, size = [4]) : (tensor<2x3xf32>) -> tensor<4xf32>
  %2 = edge.permute(%x, dims = [0, 0]) : (tensor<2x3xf32>) -> tensor<2x2xf32>
  %3 = edge.permute(%x, dims = [1, 0]) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = edge.cat([%x, %z]) : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  %5 = edge.mm(%x, %z) : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %6 = edge.linear(%x, %z) : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x2xf32>
  %7 = edge.expand(%x, size = [4, 3]) : (tensor<2x3xf32>) -> tensor<4x3xf32>
  %8 = edge.slice.Tensor(%x, dim = 1, start = 0, end = 1) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %9 = edge._softmax(%x, dim = 1, half_to_float = false) : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %10 = edge.mean.dim(%x, dim = [2]) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %11 = edge.layer_norm(%x, normalized_shape = [4]) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %12 = edge.embedding(%z, %i) : (tensor<2x4xf32>, tensor<5xi64>) -> tensor<2x4xf32>
  func.return
}

// -----

// Convolutions: channels, groups, the bias, the size of the result.
// CHECK: error: in edge.convolution: the input has 3 channels, the weight [8, 2, 3, 3] with 1 groups takes 2
// CHECK-NEXT: error: in edge.convolution: the bias [4] does not fit 8 output channels
// CHECK-NEXT: error: in edge.convolution: the result has shape [1, 8, 9, 9], expected [1, 8, 3, 3]
// CHECK-NEXT: error: in edge.max_pool2d: the result has shape [1, 3, 9, 9], expected [1, 3, 4, 4]
func.func @convolutions(%x: tensor<1x3x9x9xf32>, %w2: tensor<8x2x3x3xf32>, %w: tensor<8x3x3x3xf32>, %b: tensor<4xf32>) {
  %0 = edge.convolution(%x, %w2, stride = [1, 1], padding = [1, 1], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x3x9x9xf32>, tensor<8x2x3x3xf32>) -> tensor<1x8x9x9xf32>
  %1 = edge.convolution(%x, %w, %b, stride = [1, 1], padding = [1, 1], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x3x9x9xf32>, tensor<8x3x3x3xf32>, tensor<4xf32>) -> tensor<1x8x9x9xf32>
  %2 = edge.convolution(%x, %w, stride = [3, 3], padding = [0, 0], dilation = [1, 1], transposed = false, output_padding = [0, 0], groups = 1) : (tensor<1x3x9x9xf32>, tensor<8x3x3x3xf32>) -> tensor<1x8x9x9xf32>
  %3 = edge.max_pool2d(%x, kernel_size = [2, 2]) : (tensor<1x3x9x9xf32>) -> tensor<1x3x9x9xf32>
  func.return
}

// -----

// What stands in branches is checked as well.
// CHECK: is no operation of the edge dialect; run convert-aten-to-edge first
func.func @region(%p: i1, %x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = edge.cond(%p) : (i1) -> tensor<2xf32> {
    %1 = aten.relu(%x) : (tensor<2xf32>) -> tensor<2xf32>
    edge.yield %1 : tensor<2xf32>
  } else {
    edge.yield %x : tensor<2xf32>
  }
  func.return %0 : tensor<2xf32>
}
