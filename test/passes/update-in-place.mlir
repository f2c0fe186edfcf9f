// RUN: edge-opt %s -p update-in-place | filecheck %s
// RUN: edge-opt %s -p update-in-place,plan-memory,verify-memory | filecheck %s --check-prefix=PLAN
// RUN: edge-opt %s -p update-in-place | edge-opt | filecheck %s

// An operand that may be overwritten: the sum goes straight into the buffer.
// CHECK-LABEL: memory.method @counter
// PLAN-LABEL: memory.method @counter
memory.method @counter {
  %n = memory.planned "n" initial #edge.constant<"0x00000000" : tensor<1xf32>> : !memory.slot<tensor<1xf32>>
  %one = memory.scalar 1 : i64
  %no = memory.scalar false
  %new = memory.planned : !memory.slot<tensor<1xf32>>
  %y = memory.planned : !memory.slot<tensor<1xf32>>
  memory.begin ins() outs(%y)
  // CHECK: memory.call @"aten::add.Scalar_out"(%n, %one, %one) outs(%n)
  // CHECK-NEXT: memory.call @"aten::relu.out"(%n) outs(%y)
  // CHECK-NEXT: memory.end
  memory.call @"aten::add.Scalar_out"(%n, %one, %one) outs(%new)
  memory.call @"aten::relu.out"(%new) outs(%y)
  memory.call @"aten::copy_"(%n, %new, %no) returns(%n)
  memory.end
}

// `index_put` writes a part of the buffer; a view of its result becomes a view of the buffer.
// CHECK-LABEL: memory.method @cache
memory.method @cache {
  %at = memory.planned "at" : !memory.slot<tensor<1xi64>>
  %x = memory.planned "x" : !memory.slot<tensor<1x2xf32>>
  %k = memory.planned "k" initial "k" : !memory.slot<tensor<4x2xf32>>
  %where = memory.optional_tensor_list [%at]
  %no = memory.scalar false
  %new = memory.planned : !memory.slot<tensor<4x2xf32>>
  // CHECK: %flat = memory.view %k : !memory.slot<tensor<8xf32>>
  %flat = memory.view %new : !memory.slot<tensor<8xf32>>
  %y = memory.planned : !memory.slot<tensor<8xf32>>
  memory.begin ins(%at, %x) outs(%y)
  // CHECK: memory.call @"aten::index_put_"(%k, %where, %x, %no) returns(%k)
  // CHECK-NEXT: memory.call @"aten::relu.out"(%flat) outs(%y)
  // CHECK-NEXT: memory.end
  memory.call @"aten::index_put.out"(%k, %where, %x, %no) outs(%new)
  memory.call @"aten::relu.out"(%flat) outs(%y)
  memory.call @"aten::copy_"(%k, %new, %no) returns(%k)
  memory.end
}

// One row for several places is nothing that `index_put_` takes everywhere.
// CHECK-LABEL: memory.method @broadcast
memory.method @broadcast {
  %at = memory.planned "at" : !memory.slot<tensor<2xi64>>
  %x = memory.planned "x" : !memory.slot<tensor<2xf32>>
  %k = memory.planned "k" initial "k" : !memory.slot<tensor<4x2xf32>>
  %where = memory.optional_tensor_list [%at]
  %no = memory.scalar false
  %new = memory.planned : !memory.slot<tensor<4x2xf32>>
  memory.begin ins(%at, %x) outs()
  // CHECK: memory.call @"aten::index_put.out"(%k, %where, %x, %no) outs(%k)
  // CHECK-NEXT: memory.end
  memory.call @"aten::index_put.out"(%k, %where, %x, %no) outs(%new)
  memory.call @"aten::copy_"(%k, %new, %no) returns(%k)
  memory.end
}

// Calls one after the other.
// CHECK-LABEL: memory.method @several
memory.method @several {
  %at = memory.planned "at" : !memory.slot<tensor<1xi64>>
  %x = memory.planned "x" : !memory.slot<tensor<1x2xf32>>
  %k = memory.planned "k" initial "k" : !memory.slot<tensor<4x2xf32>>
  %where = memory.optional_tensor_list [%at]
  %no = memory.scalar false
  %one = memory.scalar 1 : i64
  %a = memory.planned : !memory.slot<tensor<4x2xf32>>
  %b = memory.planned : !memory.slot<tensor<4x2xf32>>
  %c = memory.planned : !memory.slot<tensor<4x2xf32>>
  memory.begin ins(%at, %x) outs()
  // CHECK: memory.call @"aten::index_put_"(%k, %where, %x, %no) returns(%k)
  // CHECK-NEXT: memory.call @"aten::add.Scalar_out"(%k, %one, %one) outs(%k)
  // CHECK-NEXT: memory.call @"aten::relu.out"(%k) outs(%k)
  // CHECK-NEXT: memory.end
  memory.call @"aten::index_put.out"(%k, %where, %x, %no) outs(%a)
  memory.call @"aten::add.Scalar_out"(%a, %one, %one) outs(%b)
  memory.call @"aten::relu.out"(%b) outs(%c)
  memory.call @"aten::copy_"(%k, %c, %no) returns(%k)
  memory.end
}

// A value on the way that is read later keeps its memory.
// CHECK-LABEL: memory.method @read_later
memory.method @read_later {
  %k = memory.planned "k" initial "k" : !memory.slot<tensor<4xf32>>
  %no = memory.scalar false
  %one = memory.scalar 1 : i64
  %a = memory.planned : !memory.slot<tensor<4xf32>>
  %b = memory.planned : !memory.slot<tensor<4xf32>>
  %y = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs(%y)
  // CHECK: memory.call @"aten::add.Scalar_out"(%k, %one, %one) outs(%a)
  // CHECK-NEXT: memory.call @"aten::relu.out"(%a) outs(%k)
  // CHECK-NEXT: memory.call @"aten::add.out"(%a, %k, %one) outs(%y)
  // CHECK-NEXT: memory.end
  memory.call @"aten::add.Scalar_out"(%k, %one, %one) outs(%a)
  memory.call @"aten::relu.out"(%a) outs(%b)
  memory.call @"aten::add.out"(%a, %b, %one) outs(%y)
  memory.call @"aten::copy_"(%k, %b, %no) returns(%k)
  memory.end
}

// The new value is computed in another shape, and the buffer is declared behind it.
// CHECK-LABEL: memory.method @reshaped
memory.method @reshaped {
  // CHECK-NEXT: %n = memory.planned "n" initial
  // CHECK: %new = memory.view %n : !memory.slot<tensor<2x2xf32>>
  %x = memory.planned "x" : !memory.slot<tensor<2x2xf32>>
  %new = memory.planned : !memory.slot<tensor<2x2xf32>>
  %flat = memory.view %new : !memory.slot<tensor<4xf32>>
  %n = memory.planned "n" initial "n" : !memory.slot<tensor<4xf32>>
  %no = memory.scalar false
  memory.begin ins(%x) outs()
  // CHECK: memory.call @"aten::relu.out"(%x) outs(%new)
  // CHECK-NEXT: memory.end
  memory.call @"aten::relu.out"(%x) outs(%new)
  memory.call @"aten::copy_"(%n, %flat, %no) returns(%n)
  memory.end
}

// A mutated input is written like a buffer.
// CHECK-LABEL: memory.method @input
memory.method @input {
  %x = memory.planned "x" : !memory.slot<tensor<4xf32>>
  %no = memory.scalar false
  %new = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%x)
  // CHECK: memory.call @"aten::relu.out"(%x) outs(%x)
  // CHECK-NEXT: memory.end
  memory.call @"aten::relu.out"(%x) outs(%new)
  memory.call @"aten::copy_"(%x, %new, %no) returns(%x)
  memory.end
}

// Not in place: the old value is read later; the operator reads what it has overwritten; the new
// value is an output; two buffers exchange their values.
// CHECK-LABEL: memory.method @copied
memory.method @copied {
  %a = memory.planned "a" initial "a" : !memory.slot<tensor<4xf32>>
  %b = memory.planned "b" initial "b" : !memory.slot<tensor<4xf32>>
  %c = memory.planned "c" initial "c" : !memory.slot<tensor<4xf32>>
  %no = memory.scalar false
  %zero = memory.scalar 0 : i64
  %dims = memory.int_list [%zero]
  %new_a = memory.planned : !memory.slot<tensor<4xf32>>
  %new_b = memory.planned : !memory.slot<tensor<4xf32>>
  %new_c = memory.planned : !memory.slot<tensor<4xf32>>
  %y = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs(%y, %new_c)
  memory.call @"aten::relu.out"(%a) outs(%new_a)
  memory.call @"aten::sigmoid.out"(%a) outs(%y)
  memory.call @"aten::flip.out"(%b, %dims) outs(%new_b)
  memory.call @"aten::relu.out"(%c) outs(%new_c)
  // CHECK: memory.call @"aten::copy_"(%a, %new_a, %no) returns(%a)
  // CHECK-NEXT: memory.call @"aten::copy_"(%b, %new_b, %no) returns(%b)
  // CHECK-NEXT: memory.call @"aten::copy_"(%c, %new_c, %no) returns(%c)
  memory.call @"aten::copy_"(%a, %new_a, %no) returns(%a)
  memory.call @"aten::copy_"(%b, %new_b, %no) returns(%b)
  memory.call @"aten::copy_"(%c, %new_c, %no) returns(%c)
  memory.end
}

// In a loop, the call that computes the next carried value writes it where it stays; not where
// the old one is read later, as here by the second call.
// CHECK-LABEL: memory.method @loop
// CHECK: ^bb1:
// CHECK-NEXT: memory.call @"aten::neg.out"(%b) outs(%[[C:.*]])
// CHECK-NEXT: memory.call @"aten::add.out"(%[[C]], %b, %one) outs(%a)
// CHECK-NEXT: memory.call @"aten::copy_"(%b, %[[C]], %no) returns(%b)
// CHECK-NEXT: memory.jump_false %p, ^bb1, ^bb2
memory.method @loop {
  %p = memory.planned : !memory.slot<tensor<i1>>
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  %a = memory.planned : !memory.slot<tensor<4xf32>>
  %b = memory.planned : !memory.slot<tensor<4xf32>>
  %c = memory.planned : !memory.slot<tensor<4xf32>>
  %d = memory.planned : !memory.slot<tensor<4xf32>>
  %one = memory.scalar 1 : i64
  %no = memory.scalar false
  memory.begin ins(%p, %x) outs(%a, %b)
  memory.call @"aten::copy_"(%a, %x, %no) returns(%a)
  memory.call @"aten::copy_"(%b, %x, %no) returns(%b)
  memory.jump ^bb1
^bb1:
  memory.call @"aten::neg.out"(%b) outs(%c)
  memory.call @"aten::add.out"(%c, %b, %one) outs(%d)
  memory.call @"aten::copy_"(%a, %d, %no) returns(%a)
  memory.call @"aten::copy_"(%b, %c, %no) returns(%b)
  memory.jump_false %p, ^bb1, ^bb2
^bb2:
  memory.end
}
