// RUN: edge-opt %s -p convert-edge-to-memory --split-input-file --verify-diagnostics | filecheck %s

// Values become slots, operators calls of their out variants with all arguments; equal numbers share a slot.
// CHECK-LABEL: memory.method @calls
// CHECK-NEXT: %x = memory.planned "input" : !memory.slot<tensor<2x4xf32>>
// CHECK-NEXT: %w = memory.constant "fc.weight" : !memory.slot<tensor<2x4xf32>>
// CHECK-NEXT: %c = memory.constant #edge.constant<"0x0000803F" : tensor<f32>> : !memory.slot<tensor<f32>>
// CHECK-NEXT: %[[ONE:.*]] = memory.scalar 1 : i64
// CHECK-NEXT: %[[SUM:.*]] = memory.planned : !memory.slot<tensor<2x4xf32>>
// CHECK-NEXT: %[[OUT:.*]] = memory.planned "output" : !memory.slot<tensor<2x4xf32>>
// CHECK-NEXT: memory.begin ins(%x) outs(%[[OUT]])
// CHECK-NEXT: memory.call @"aten::add.out"(%x, %w, %[[ONE]]) outs(%[[SUM]])
// CHECK-NEXT: memory.call @"aten::sub.out"(%[[SUM]], %c, %[[ONE]]) outs(%[[OUT]])
// CHECK-NEXT: memory.end
func.func @calls(%x: tensor<2x4xf32> {edge.name = "input"}) -> (tensor<2x4xf32> {edge.name = "output"}) {
  %w = edge.weight "fc.weight" : tensor<2x4xf32>
  %c = edge.constant #edge.constant<"0x0000803F" : tensor<f32>> : tensor<f32>
  %0 = edge.add.Tensor(%x, %w) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = edge.sub.Tensor(%0, %c) : (tensor<2x4xf32>, tensor<f32>) -> tensor<2x4xf32>
  func.return %1 : tensor<2x4xf32>
}

// -----

// Views and slices that are one block of memory at a multiple of 16 bytes share their source's storage.
// CHECK-LABEL: memory.method @aliases
// CHECK: %0 = memory.planned : !memory.slot<tensor<4x4xf32>>
// CHECK-NEXT: %{{.*}} = memory.view %0 : !memory.slot<tensor<16xf32>>
// CHECK-NEXT: %{{.*}} = memory.view %0 + 16 : !memory.slot<tensor<2x4xf32>>
// CHECK: memory.call @"aten::relu.out"
// CHECK-NEXT: memory.end
func.func @aliases(%x: tensor<4x4xf32>) -> (tensor<16xf32>, tensor<2x4xf32>) {
  %0 = edge.relu(%x) : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = edge.view(%0, size = [16]) : (tensor<4x4xf32>) -> tensor<16xf32>
  %2 = edge.slice.Tensor(%0, start = 1, end = 3) : (tensor<4x4xf32>) -> tensor<2x4xf32>
  func.return %1, %2 : tensor<16xf32>, tensor<2x4xf32>
}

// -----

// Other slices are copied: not one block, not aligned, with a step.
// CHECK-LABEL: memory.method @copies
// CHECK-COUNT-3: memory.call @"aten::slice_copy.Tensor_out"
func.func @copies(%x: tensor<4x4xf32>, %y: tensor<8xf32>) -> (tensor<4x2xf32>, tensor<2xf32>, tensor<2x4xf32>) {
  %0 = edge.slice.Tensor(%x, dim = 1, start = 0, end = 2) : (tensor<4x4xf32>) -> tensor<4x2xf32>
  %1 = edge.slice.Tensor(%y, start = 1, end = 3) : (tensor<8xf32>) -> tensor<2xf32>
  %2 = edge.slice.Tensor(%x, start = 0, end = 4, step = 2) : (tensor<4x4xf32>) -> tensor<2x4xf32>
  func.return %0, %1, %2 : tensor<4x2xf32>, tensor<2xf32>, tensor<2x4xf32>
}

// -----

// Lists of tensors, with holes; several results stand in a list that the call returns.
// CHECK-LABEL: memory.method @lists
// CHECK: %[[CAT:.*]] = memory.tensor_list [%x, %x]
// CHECK: %[[RESULTS:.*]] = memory.tensor_list [%[[VALUES:.*]], %[[INDICES:.*]]]
// CHECK: %[[HOLES:.*]] = memory.optional_tensor_list [none, %[[INDICES]]]
// CHECK: memory.call @"aten::cat.out"(%[[CAT]], %{{.*}}) outs(%{{.*}})
// CHECK: memory.call @"aten::max.dim_max"({{.*}}) outs(%[[VALUES]], %[[INDICES]]) returns(%[[RESULTS]])
// CHECK: memory.call @"aten::index.Tensor_out"(%x, %[[HOLES]])
func.func @lists(%x: tensor<2x4xf32>) -> (tensor<4x4xf32>, tensor<2x2xf32>) {
  %0 = edge.cat([%x, %x]) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<4x4xf32>
  %1, %2 = edge.max.dim(%x, dim = 1) : (tensor<2x4xf32>) -> (tensor<2xf32>, tensor<2xi64>)
  %3 = edge.index.Tensor(%x, [none, %2]) : (tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  func.return %0, %3 : tensor<4x4xf32>, tensor<2x2xf32>
}

// -----

// A change of dim order is a copy; absent arguments are null; numbers go in and out as they are.
// CHECK-LABEL: memory.method @arguments
// CHECK: %[[N:.*]] = memory.scalar 3 : i64
// CHECK: %[[NULL:.*]] = memory.null
// CHECK: %[[SEVEN:.*]] = memory.scalar 7 : i64
// CHECK: memory.begin ins(%x, %[[N]]) outs({{.*}}, %[[SEVEN]])
// CHECK: memory.call @"dim_order_ops::_to_dim_order_copy.out"
// CHECK: memory.call @"aten::clamp.out"({{.*}}, %[[NULL]], %{{.*}})
func.func @arguments(%x: tensor<2x4xf32>, %n: i64 {edge.value = 3 : i64}) -> (tensor<2x4xf32, #edge.layout<order = [1, 0]>>, i64) {
  %0 = edge.to_layout %x : tensor<2x4xf32> to tensor<2x4xf32, #edge.layout<order = [1, 0]>>
  %1 = edge.clamp(%0, max = 2.0) : (tensor<2x4xf32, #edge.layout<order = [1, 0]>>) -> tensor<2x4xf32, #edge.layout<order = [1, 0]>>
  %2 = edge.literal 7 : i64
  func.return %1, %2 : tensor<2x4xf32, #edge.layout<order = [1, 0]>>, i64
}

// -----

// What has no place in a program is refused, all of it at once.
// CHECK: model.py:4: error: in net.act (aten.relu): has no place in a program; run convert-aten-to-edge first
// CHECK-NEXT: error: in test.op: has no place in a program
func.func @refused(%x: tensor<4xf32>) {
  %0 = aten.relu(%x) : (tensor<4xf32>) -> tensor<4xf32> loc("net.act"("model.py":4:0))
  "test.op"() : () -> ()
  func.return
}

// -----

// A custom operator: the arguments of its schema, then its outs.
// CHECK-LABEL: memory.method @custom
// CHECK: %[[NULL:.*]] = memory.null
// CHECK: %[[TWO:.*]] = memory.scalar 2.000000e+00 : f64
// CHECK: memory.begin ins(%x) outs(%[[FIRST:.*]], %[[SECOND:.*]])
// CHECK: memory.call @"my_ops::foo.out"(%x, %[[NULL]], %[[TWO]]) outs(%[[FOO:.*]])
// CHECK: memory.call @"my_ops::two.v_out"(%[[FOO]]) outs(%[[FIRST]], %[[SECOND]]) returns(%{{.*}})
func.func @custom(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2xf32>) {
  %0 = edge.custom "my_ops::foo(Tensor x, Tensor? y=None, float k=1.) -> Tensor"(%x, k = 2.0) : (tensor<4xf32>) -> tensor<4xf32>
  %1, %2 = edge.custom "my_ops::two.v(Tensor x) -> (Tensor, Tensor)"(%0) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<2xf32>)
  func.return %1, %2 : tensor<4xf32>, tensor<2xf32>
}

// -----

// New values are copied back at the end; buffers that exchange their values, and an old value that
// is an output, are saved first. A mutated input is an output before the user's.
// CHECK-LABEL: memory.method @state
// CHECK-DAG: %x = memory.planned "x" : !memory.slot<tensor<4xf32>>
// CHECK-DAG: %a = memory.planned "a" initial "a" : !memory.slot<tensor<4xf32>>
// CHECK-DAG: %net_b = memory.planned "net.b" initial "net.b" : !memory.slot<tensor<4xf32>>
// CHECK: memory.begin ins(%x) outs(%x, %[[OLD_A:.*]], %[[NEW_X:.*]])
// CHECK-NEXT: memory.call @"aten::relu.out"(%x) outs(%[[NEW_X]])
// CHECK-NEXT: memory.call @"aten::clone.out"(%net_b, %{{.*}}) outs(%[[OLD_B:.*]])
// CHECK-NEXT: memory.call @"aten::clone.out"(%a, %{{.*}}) outs(%[[OLD_A]])
// CHECK-NEXT: memory.call @"aten::copy_"(%a, %[[OLD_B]], %{{.*}}) returns(%a)
// CHECK-NEXT: memory.call @"aten::copy_"(%net_b, %[[OLD_A]], %{{.*}}) returns(%net_b)
// CHECK-NEXT: memory.call @"aten::copy_"(%x, %[[NEW_X]], %{{.*}}) returns(%x)
// CHECK-NEXT: memory.end
func.func @state(%x: tensor<4xf32> {edge.name = "x"}) -> (tensor<4xf32> {edge.mutates = "a"}, tensor<4xf32> {edge.mutates = "net.b"}, tensor<4xf32> {edge.mutates = 0 : i64}, tensor<4xf32>, tensor<4xf32>) {
  %a = edge.state "a" : tensor<4xf32>
  %b = edge.state "net.b" : tensor<4xf32>
  %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %b, %a, %0, %a, %0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK: error: in func.return: gives 'n', a tensor<2xf32>, a new value of type tensor<3xf32>
func.func @other_type(%x: tensor<3xf32>) -> (tensor<3xf32> {edge.mutates = "n"}, tensor<2xf32>) {
  %n = edge.state "n" : tensor<2xf32>
  func.return %x, %n : tensor<3xf32>, tensor<2xf32>
}

// -----

// CHECK: error: in func.return: changes argument 1; there are 1
func.func @no_such_argument(%x: tensor<3xf32>) -> (tensor<3xf32> {edge.mutates = 1 : i64}) {
  func.return %x : tensor<3xf32>
}

// -----

// Both branches put their value into the slot of the result: a call directly, else a copy.
// CHECK-LABEL: memory.method @branch
// CHECK: %[[R:.*]] = memory.planned : !memory.slot<tensor<4xf32>>
// CHECK: %[[FALSE:.*]] = memory.scalar false
// CHECK: memory.jump_false %p, ^bb2, ^bb1
// CHECK-NEXT: ^bb1:
// CHECK-NEXT: memory.call @"aten::relu.out"(%x) outs(%[[R]])
// CHECK-NEXT: memory.jump_false %[[FALSE]], ^bb3, ^bb2
// CHECK-NEXT: ^bb2:
// CHECK-NEXT: memory.call @"aten::copy_"(%[[R]], %x, %[[FALSE]]) returns(%[[R]])
// CHECK-NEXT: memory.jump ^bb3
// CHECK-NEXT: ^bb3:
// CHECK-NEXT: memory.end
func.func @branch(%p: tensor<i1> {edge.name = "p"}, %x: tensor<4xf32> {edge.name = "x"}) -> tensor<4xf32> {
  %0 = edge.cond(%p) : (tensor<i1>) -> tensor<4xf32> {
    %1 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
    edge.yield %1 : tensor<4xf32>
  } else {
    edge.yield %x : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}

// -----

// Carried values that are exchanged are saved before they are overwritten; numbers are moved.
// CHECK-LABEL: memory.method @loop
// CHECK: memory.move %{{.*}}, %[[I:.*]]
// CHECK-NEXT: memory.call @"aten::copy_"(%a, %x, %{{.*}}) returns(%a)
// CHECK-NEXT: memory.call @"aten::copy_"(%b, %y, %{{.*}}) returns(%b)
// CHECK-NEXT: memory.jump ^bb1
// CHECK-NEXT: ^bb1:
// CHECK-NEXT: memory.call @"executorch_prim::lt.Scalar"(%[[I]], %{{.*}}) returns(%[[P:.*]])
// CHECK-NEXT: memory.jump_false %[[P]], ^bb3, ^bb2
// CHECK-NEXT: ^bb2:
// CHECK-NEXT: memory.call @"executorch_prim::add.Scalar"(%[[I]], %{{.*}}) returns(%[[NEXT:.*]])
// CHECK-NEXT: memory.call @"aten::clone.out"(%b, %{{.*}}) outs(%[[B:.*]])
// CHECK-NEXT: memory.call @"aten::clone.out"(%a, %{{.*}}) outs(%[[A:.*]])
// CHECK-NEXT: memory.move %[[NEXT]], %[[I]]
// CHECK-NEXT: memory.call @"aten::copy_"(%a, %[[B]], %{{.*}}) returns(%a)
// CHECK-NEXT: memory.call @"aten::copy_"(%b, %[[A]], %{{.*}}) returns(%b)
// CHECK-NEXT: memory.jump_false %{{.*}}, ^bb1, ^bb3
// CHECK-NEXT: ^bb3:
func.func @loop(%x: tensor<4xf32> {edge.name = "x"}, %y: tensor<4xf32> {edge.name = "y"}) -> (tensor<4xf32>, tensor<4xf32>) attributes {edge.symbols = {s0 = [0]}} {
  %i = edge.literal 0 : i64
  %n, %a, %b = edge.while_loop(%i, %x, %y) : (i64, tensor<4xf32>, tensor<4xf32>) -> (i64, tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%j: i64, %c: tensor<4xf32>, %d: tensor<4xf32>):
    edge.symbol "s0" = %j : i64
    %p = edge.compare lt #edge.expr<s0>, #edge.expr<3>
    edge.yield %p : i1
  } do {
  ^bb0(%j: i64, %c: tensor<4xf32>, %d: tensor<4xf32>):
    edge.symbol "s0" = %j : i64
    %k = edge.literal #edge.expr<s0 + 1> : i64
    edge.yield %k, %d, %c : i64, tensor<4xf32>, tensor<4xf32>
  }
  func.return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

// A scan counts with instructions, so that it can run again, and stacks its rows one by one.
// CHECK-LABEL: memory.method @scan
// CHECK: %ys = memory.planned dynamic : !memory.slot<tensor<8x4xf32>>
// CHECK: memory.call @"aten::copy_"(%c, %c0, %{{.*}}) returns(%c)
// CHECK-NEXT: memory.call @"aten::empty.out"(%{{.*}}, %{{.*}}) outs(%ys)
// CHECK-NEXT: memory.move %{{.*}}, %[[I:.*]]
// CHECK-NEXT: memory.jump ^bb1
// CHECK-NEXT: ^bb1:
// CHECK-NEXT: memory.call @"executorch_prim::lt.Scalar"(%[[I]], %{{.*}}) returns(%[[P:.*]])
// CHECK-NEXT: memory.jump_false %[[P]], ^bb3, ^bb2
// CHECK-NEXT: ^bb2:
// CHECK-NEXT: memory.call @"aten::select_copy.int_out"(%xs, %{{.*}}, %[[I]]) outs(%[[X:.*]])
// CHECK-NEXT: memory.call @"aten::add.out"(%c, %[[X]], %{{.*}}) outs(%[[Y:.*]])
// CHECK-NEXT: memory.call @"executorch_prim::et_copy_index.tensor"(%ys, %[[X]], %[[I]])
// CHECK-NEXT: memory.call @"aten::copy_"(%c, %[[Y]], %{{.*}}) returns(%c)
// CHECK-NEXT: memory.call @"executorch_prim::add.Scalar"(%[[I]], %{{.*}}) returns(%[[I]])
// CHECK-NEXT: memory.jump_false %{{.*}}, ^bb1, ^bb3
func.func @scan(%c0: tensor<4xf32> {edge.name = "c0"}, %xs: tensor<?x4xf32, #edge.layout<dims = [s0, 4]>> {edge.name = "xs"}) -> (tensor<4xf32>, tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) attributes {edge.symbols = {s0 = [1, 8]}} {
  %c, %ys = edge.scan init(%c0 : tensor<4xf32>) over(%xs : tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) -> (tensor<4xf32>, tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>) {
  ^bb0(%d: tensor<4xf32>, %x: tensor<4xf32>):
    %0 = edge.add.Tensor(%d, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    edge.yield %0, %x : tensor<4xf32>, tensor<4xf32>
  }
  func.return %c, %ys : tensor<4xf32>, tensor<?x4xf32, #edge.layout<dims = [s0, 4]>>
}

// -----

// All problems are found, whatever uses the result of an operation that has one.
// CHECK: error: in func.func: argument 1: no program can have a value of type i32
// CHECK-NEXT: error: in func.func: argument 2: "x" is no value of type i64
// CHECK-NEXT: error: in delegate.region: is not compiled yet; run lower-delegates first
// CHECK-NEXT: error: in edge.literal: takes the size s7, which nothing gives; add an edge.symbol
func.func @problems(%x: tensor<4xf32>, %i: i32, %j: i64 {edge.value = "x"}) -> (tensor<4xf32>, i64) {
  %0 = delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    delegate.yield %a : tensor<4xf32>
  }
  %1 = edge.neg(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.literal #edge.expr<s7> : i64
  func.return %1, %2 : tensor<4xf32>, i64
}
