// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// Layouts that do not fit their tensor.
// CHECK: #edge.layout<order = [1, 0, 2]> has 3 dims, its tensor 2
func.func @rank(%x: tensor<2x3xf32>) {
  %0 = edge.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.layout<order = [1, 0, 2]>>
  func.return
}

// -----

// CHECK: #edge.layout: order [1, 1] is not a permutation of 0..1
func.func @permutation(%x: tensor<2x3xf32>) {
  %0 = edge.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.layout<order = [1, 1]>>
  func.return
}

// -----

// CHECK: dim s0 does not fit the shape of tensor<2x3xf32
func.func @static(%x: tensor<2x3xf32>) {
  %0 = edge.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.layout<dims = [2, s0]>>
  func.return
}

// -----

// CHECK: #edge.layout: 1 dims but an order of 2 dims
func.func @parts(%x: tensor<2x3xf32>) {
  %0 = edge.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.layout<dims = [2], order = [1, 0]>>
  func.return
}

// -----

// CHECK: a layout has dims =
func.func @empty(%x: tensor<2x3xf32>) {
  %0 = edge.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32, #edge.layout<>>
  func.return
}

// -----

// CHECK: the encoding "nhwc" is not a #edge.layout
func.func @encoding(%x: tensor<2x3xf32>) {
  %0 = edge.relu(%x) : (tensor<2x3xf32>) -> tensor<2x3xf32, "nhwc">
  func.return
}

// -----

// CHECK: edge.to_layout: tensor<2x3xf32> and tensor<2x3xf16> differ in more than their layout
func.func @to_layout(%x: tensor<2x3xf32>) {
  %0 = edge.to_layout %x : tensor<2x3xf32> to tensor<2x3xf16>
  func.return
}

// -----

// Constants whose bytes do not fit.
// CHECK: #edge.constant: 2 bytes; tensor<1xf32> has 4
func.func @bytes() {
  %0 = edge.constant #edge.constant<"0x0011" : tensor<1xf32>> : tensor<1xf32>
  func.return
}

// -----

// CHECK: #edge.constant: 'zz' is not a hex string
func.func @hex() {
  %0 = edge.constant #edge.constant<"zz" : tensor<1xf32>> : tensor<1xf32>
  func.return
}

// -----

// CHECK: #edge.constant: tensor<?xi8> has no static shape
func.func @dynamic() {
  %0 = edge.constant #edge.constant<"0x00" : tensor<?xi8>> : tensor<?xi8>
  func.return
}

// -----

// CHECK: #edge.constant: expected a tensor type, got i8
func.func @no_tensor() {
  %0 = edge.constant #edge.constant<"0x00" : i8> : tensor<1xi8>
  func.return
}

// -----

// CHECK: index is not an element type that a program can store
func.func @element() {
  %0 = edge.constant #edge.constant<"0x00" : tensor<index>> : tensor<index>
  func.return
}

// -----

// CHECK: edge.constant: the value has type tensor<1xi8>, the result tensor<2xi8>
func.func @constant_type() {
  %0 = edge.constant #edge.constant<"0x00" : tensor<1xi8>> : tensor<2xi8>
  func.return
}

// -----

// CHECK: edge.weight: tensor<?xf32> has no static shape
func.func @weight() {
  %0 = edge.weight "a" : tensor<?xf32>
  func.return
}

// -----

// CHECK: edge.scalar: v1 has no operand; there are 1
func.func @operand(%n: i64) {
  %0 = edge.scalar #edge.expr<v1>(%n) : (i64) -> i64
  func.return
}

// -----

// CHECK: identifier expected: a symbol or a number
func.func @expression(%n: i64) {
  %0 = edge.scalar #edge.expr<v0 + >(%n) : (i64) -> i64
  func.return
}

// -----

// CHECK: edge.literal: has type i64, not f64
func.func @literal() {
  %0 = edge.literal 1.0 : i64
  func.return
}

// -----

// CHECK: edge.literal: has type f64, not i64
func.func @literal_property() {
  %0 = "edge.literal"() <{value = 1 : i64}> : () -> f64
  func.return
}

// -----

// CHECK: edge.symbol: write `dim N`, one of the 1 of tensor<4xi64>
func.func @no_dim(%x: tensor<4xi64>) {
  edge.symbol "s0" = %x : tensor<4xi64>
  func.return
}

// -----

// CHECK: edge.symbol: no symbol can have a value of type i1
func.func @no_number(%x: i1) {
  edge.symbol "s0" = %x : i1
  func.return
}

// -----

// CHECK: edge.literal: "x" is not a number
func.func @no_literal() {
  %0 = "edge.literal"() <{value = "x"}> : () -> i64
  func.return
}

// -----

// CHECK: nothing can be divided by 0
func.func @divisor(%n: i64) {
  %0 = edge.scalar #edge.expr<v0 floordiv (s0 - s0)>(%n) : (i64) -> i64
  func.return
}

// -----

// CHECK: m.py:3: error: in a (edge.relu): uses %later, which edge.neg gives only later; put it behind that
func.func @late(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.relu(%later) : (tensor<4xf32>) -> tensor<4xf32> loc("a"("m.py":3:0))
  %later = edge.neg(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// -----

// A value inside of what computes it.
// CHECK: error: in edge.yield: uses %own, which edge.cond gives only later
func.func @own(%p: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %own = edge.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
    edge.yield %own : tensor<4xf32>
  } else {
    edge.yield %x : tensor<4xf32>
  }
  func.return %own : tensor<4xf32>
}
