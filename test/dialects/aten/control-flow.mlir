// RUN: EDGE_ROUNDTRIP

// A branch: both regions see what stands before it.
// CHECK-LABEL: func.func @branch(
func.func @branch(%p: tensor<i1>, %q: i1, %x: tensor<4xf32>) {
  // CHECK-NEXT: %0 = aten.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
  // CHECK-NEXT: %1 = aten.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT: aten.yield %1 : tensor<4xf32>
  // CHECK-NEXT: } else {
  // CHECK-NEXT: aten.yield %x : tensor<4xf32>
  // CHECK-NEXT: }
  %0 = aten.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
    %1 = aten.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    aten.yield %1 : tensor<4xf32>
  } else {
    aten.yield %x : tensor<4xf32>
  }
  // Sizes that differ between branches are a symbol in the result.
  // CHECK: aten.cond(%q) : (i1) -> (tensor<?xf32, #edge.layout<dims = [s0]>>, i64) {
  %2, %3 = aten.cond(%q) : (i1) -> (tensor<?xf32, #edge.layout<dims = [s0]>>, i64) {
    %4 = edge.literal 1 : i64
    aten.yield %x, %4 : tensor<4xf32>, i64
  } else {
    %5 = aten.slice.Tensor(%x, end = 2) : (tensor<4xf32>) -> tensor<2xf32>
    %6 = edge.literal 2 : i64
    aten.yield %5, %6 : tensor<2xf32>, i64
  }
  func.return
}

// CHECK-LABEL: func.func @loop(
func.func @loop(%i: i64, %x: tensor<4xf32>) {
  // CHECK-NEXT: %n, %y = aten.while_loop(%i, %x) : (i64, tensor<4xf32>) -> (i64, tensor<4xf32>) {
  // CHECK-NEXT: ^bb0(%a: i64, %b: tensor<4xf32>):
  // CHECK: aten.yield %p : i1
  // CHECK-NEXT: } do {
  // CHECK-NEXT: ^bb0(%{{.*}}: i64, %{{.*}}: tensor<4xf32>):
  // CHECK: aten.yield %{{.*}}, %{{.*}} : i64, tensor<4xf32>
  %n, %y = aten.while_loop(%i, %x) : (i64, tensor<4xf32>) -> (i64, tensor<4xf32>) {
  ^bb0(%a: i64, %b: tensor<4xf32>):
    edge.symbol "s0" = %a : i64
    %p = edge.compare lt #edge.expr<s0>, #edge.expr<5>
    aten.yield %p : i1
  } do {
  ^bb0(%a: i64, %b: tensor<4xf32>):
    edge.symbol "s0" = %a : i64
    %0 = edge.literal #edge.expr<s0 + 1> : i64
    %1 = aten.relu(%b) : (tensor<4xf32>) -> tensor<4xf32>
    aten.yield %0, %1 : i64, tensor<4xf32>
  }
  func.return
}

// CHECK-LABEL: func.func @slices(
func.func @slices(%c: tensor<4xf32>, %xs: tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) {
  // CHECK-NEXT: %0 = aten.map(%xs) : (tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> tensor<?x4xf32, #edge.layout<dims = [s0, 4]>> {
  // CHECK-NEXT: ^bb0(%x: tensor<4xf32>):
  %0 = aten.map(%xs) : (tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> tensor<?x4xf32, #edge.layout<dims = [s0, 4]>> {
  ^bb0(%x: tensor<4xf32>):
    %1 = aten.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    aten.yield %1 : tensor<4xf32>
  }
  // CHECK: %d, %ys = aten.scan init(%c : tensor<4xf32>) over(%0 : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<4xf32>, tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) {
  %d, %ys = aten.scan init(%c : tensor<4xf32>) over(%0 : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<4xf32>, tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) {
  ^bb0(%e: tensor<4xf32>, %x: tensor<4xf32>):
    %1 = aten.add.Tensor(%e, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    aten.yield %1, %x : tensor<4xf32>, tensor<4xf32>
  }
  // CHECK: %{{.*}} = aten.scan init() over(%xs : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<?xi1, #edge.layout<dims = [s0]>>) {
  %zs = aten.scan init() over(%xs : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<?xi1, #edge.layout<dims = [s0]>>) {
  ^bb0(%x: tensor<4xf32>):
    %1 = edge.constant #edge.constant<"0x01" : tensor<i1>> : tensor<i1>
    aten.yield %1 : tensor<i1>
  }
  func.return
}
