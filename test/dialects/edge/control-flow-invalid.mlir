// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: edge.cond: the predicate is a tensor<4xi1>, not i1 or tensor<i1>
func.func @predicate(%p: tensor<4xi1>, %x: tensor<4xf32>) {
  %0 = edge.cond(%p) : (tensor<4xi1>) -> tensor<4xf32> {
    edge.yield %x : tensor<4xf32>
  } else {
    edge.yield %x : tensor<4xf32>
  }
  func.return
}

// -----

// CHECK: edge.cond: the else region yields (tensor<3xf32>), expected (tensor<4xf32>)
func.func @branches(%p: i1, %x: tensor<4xf32>, %y: tensor<3xf32>) {
  %0 = edge.cond(%p) : (i1) -> tensor<4xf32> {
    edge.yield %x : tensor<4xf32>
  } else {
    edge.yield %y : tensor<3xf32>
  }
  func.return
}

// -----

// CHECK: edge.cond: the then region does not end in edge.yield
func.func @terminator(%p: i1, %x: tensor<4xf32>) {
  %0 = edge.cond(%p) : (i1) -> tensor<4xf32> {
    aten.yield %x : tensor<4xf32>
  } else {
    edge.yield %x : tensor<4xf32>
  }
  func.return
}

// -----

// CHECK: edge.cond: the then region takes (i64), expected ()
func.func @arguments(%p: i1, %x: tensor<4xf32>) {
  %0 = edge.cond(%p) : (i1) -> tensor<4xf32> {
  ^bb0(%a: i64):
    edge.yield %x : tensor<4xf32>
  } else {
    edge.yield %x : tensor<4xf32>
  }
  func.return
}

// -----

// CHECK: edge.while_loop: the condition yields (tensor<4xf32>), not one i1 or tensor<i1>
func.func @condition(%x: tensor<4xf32>) {
  %0 = edge.while_loop(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    edge.yield %a : tensor<4xf32>
  } do {
  ^bb0(%a: tensor<4xf32>):
    edge.yield %a : tensor<4xf32>
  }
  func.return
}

// -----

// CHECK: edge.while_loop: the body takes (tensor<3xf32>), expected (tensor<4xf32>)
func.func @body(%p: i1, %x: tensor<4xf32>) {
  %0 = edge.while_loop(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    edge.yield %p : i1
  } do {
  ^bb0(%a: tensor<3xf32>):
    edge.yield %a : tensor<3xf32>
  }
  func.return
}

// -----

// A carried value has one dtype.
// CHECK: edge.while_loop: the body yields (tensor<4xf16>), expected (tensor<4xf32>)
func.func @carried(%p: i1, %x: tensor<4xf32>, %y: tensor<4xf16>) {
  %0 = edge.while_loop(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    edge.yield %p : i1
  } do {
  ^bb0(%a: tensor<4xf32>):
    edge.yield %y : tensor<4xf16>
  }
  func.return
}

// -----

// CHECK: edge.map: the first dims differ: 3, 2
func.func @lengths(%x: tensor<3x4xf32>, %y: tensor<2x4xf32>) {
  %0 = edge.map(%x, %y) : (tensor<3x4xf32>, tensor<2x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    edge.yield %a : tensor<4xf32>
  }
  func.return
}

// -----

// CHECK: edge.map: needs tensors with a first dim to take slices of
func.func @slices(%x: tensor<f32>) {
  %0 = edge.map(%x) : (tensor<f32>) -> tensor<f32> {
  ^bb0(%a: tensor<f32>):
    edge.yield %a : tensor<f32>
  }
  func.return
}

// -----

// CHECK: edge.map: the body yields (tensor<3x2xf32>), expected (tensor<3x4xf32>)
func.func @stack(%x: tensor<3x4xf32>, %y: tensor<2xf32>) {
  %0 = edge.map(%x) : (tensor<3x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%a: tensor<4xf32>):
    edge.yield %y : tensor<2xf32>
  }
  func.return
}

// -----

// CHECK: edge.scan: stacks tensors, not i64
func.func @rows(%x: tensor<3x4xf32>, %n: i64) {
  %0 = edge.scan init() over(%x : tensor<3x4xf32>) -> (i64) {
  ^bb0(%a: tensor<4xf32>):
    edge.yield %n : i64
  }
  func.return
}

// -----

// CHECK: edge.compare: less is none of eq, ne, lt, le, gt, ge
func.func @comparison() {
  %0 = edge.compare less #edge.expr<s0>, #edge.expr<1>
  func.return
}

// -----

// CHECK: edge.logic: xor is none of and, or, not
func.func @logic(%p: i1) {
  %0 = edge.logic xor(%p, %p)
  func.return
}

// -----

// CHECK: edge.logic: not takes 1 operands, not 2
func.func @operands(%p: i1) {
  %0 = edge.logic not(%p, %p)
  func.return
}
