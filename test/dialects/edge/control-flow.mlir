// RUN: EDGE_ROUNDTRIP

// A branch: both regions see what stands before it.
// CHECK-LABEL: func.func @branch(
func.func @branch(%p: tensor<i1>, %q: i1, %x: tensor<4xf32>) {
  // CHECK-NEXT: %0 = edge.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
  // CHECK-NEXT: %1 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: edge.yield %1 : tensor<4xf32>
  // CHECK-NEXT: } else {
  // CHECK-NEXT: edge.yield %x : tensor<4xf32>
  // CHECK-NEXT: }
  %0 = edge.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
    %1 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    edge.yield %1 : tensor<4xf32>
  } else {
    edge.yield %x : tensor<4xf32>
  }
  // Sizes that differ between branches are a symbol in the result.
  // CHECK: edge.cond(%q) : (i1) -> (tensor<?xf32, #edge.layout<dims = [s0]>>, i64) {
  %2, %3 = edge.cond(%q) : (i1) -> (tensor<?xf32, #edge.layout<dims = [s0]>>, i64) {
    %4 = edge.literal 1 : i64
    edge.yield %x, %4 : tensor<4xf32>, i64
  } else {
    %5 = edge.slice.Tensor(%x, end = 2) : (tensor<4xf32>) -> tensor<2xf32>
    %6 = edge.literal 2 : i64
    edge.yield %5, %6 : tensor<2xf32>, i64
  }
  func.return
}

// CHECK-LABEL: func.func @loop(
func.func @loop(%i: i64, %x: tensor<4xf32>) {
  // CHECK-NEXT: %n, %y = edge.while_loop(%i, %x) : (i64, tensor<4xf32>) -> (i64, tensor<4xf32>) {
  // CHECK-NEXT: ^bb0(%a: i64, %b: tensor<4xf32>):
  // CHECK: edge.yield %p : i1
  // CHECK-NEXT: } do {
  // CHECK-NEXT: ^bb0(%{{.*}}: i64, %{{.*}}: tensor<4xf32>):
  // CHECK: edge.yield %{{.*}}, %{{.*}} : i64, tensor<4xf32>
  %n, %y = edge.while_loop(%i, %x) : (i64, tensor<4xf32>) -> (i64, tensor<4xf32>) {
  ^bb0(%a: i64, %b: tensor<4xf32>):
    edge.symbol "s0" = %a : i64
    %p = edge.compare lt #edge.expr<s0>, #edge.expr<5>
    edge.yield %p : i1
  } do {
  ^bb0(%a: i64, %b: tensor<4xf32>):
    edge.symbol "s0" = %a : i64
    %0 = edge.literal #edge.expr<s0 + 1> : i64
    %1 = edge.relu(%b) : (tensor<4xf32>) -> tensor<4xf32>
    edge.yield %0, %1 : i64, tensor<4xf32>
  }
  func.return
}

// CHECK-LABEL: func.func @slices(
func.func @slices(%c: tensor<4xf32>, %xs: tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) {
  // CHECK-NEXT: %0 = edge.map(%xs) : (tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> tensor<?x4xf32, #edge.layout<dims = [s0, 4]>> {
  // CHECK-NEXT: ^bb0(%x: tensor<4xf32>):
  %0 = edge.map(%xs) : (tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> tensor<?x4xf32, #edge.layout<dims = [s0, 4]>> {
  ^bb0(%x: tensor<4xf32>):
    %1 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    edge.yield %1 : tensor<4xf32>
  }
  // CHECK: %d, %ys = edge.scan init(%c : tensor<4xf32>) over(%0 : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<4xf32>, tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) {
  %d, %ys = edge.scan init(%c : tensor<4xf32>) over(%0 : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<4xf32>, tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) {
  ^bb0(%e: tensor<4xf32>, %x: tensor<4xf32>):
    %1 = edge.add.Tensor(%e, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    edge.yield %1, %x : tensor<4xf32>, tensor<4xf32>
  }
  // CHECK: %{{.*}} = edge.scan init() over(%xs : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<?xi1, #edge.layout<dims = [s0]>>) {
  %zs = edge.scan init() over(%xs : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<?xi1, #edge.layout<dims = [s0]>>) {
  ^bb0(%x: tensor<4xf32>):
    %1 = edge.constant #edge.constant<"0x01" : tensor<i1>> : tensor<i1>
    edge.yield %1 : tensor<i1>
  }
  func.return
}

// Truth values of symbolic integers.
// CHECK-LABEL: func.func @truth(
func.func @truth() {
  // CHECK-NEXT: %0 = edge.compare eq #edge.expr<s0>, #edge.expr<2 * s1 + 1>
  // CHECK-NEXT: %1 = edge.compare ge #edge.expr<s0>, #edge.expr<0>
  // CHECK-NEXT: %2 = edge.logic and(%0, %1)
  // CHECK-NEXT: %3 = edge.logic not(%2)
  // CHECK-NEXT: %4 = edge.compare gt #edge.expr<f0>, 5.000000e-01 : f64
  %0 = edge.compare eq #edge.expr<s0>, #edge.expr<1 + 2 * s1>
  %1 = edge.compare ge #edge.expr<s0>, #edge.expr<0>
  %2 = edge.logic and(%0, %1)
  %3 = edge.logic not(%2)
  %4 = edge.compare gt #edge.expr<f0>, 0.5 : f64
  func.return
}
