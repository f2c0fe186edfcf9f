// RUN: edge-opt %s -p plan-memory | filecheck %s
// RUN: edge-opt %s -p "plan-memory{algorithm=naive}" | filecheck %s --check-prefix=NAIVE
// RUN: edge-opt %s -p "plan-memory{inputs=false outputs=false}" | filecheck %s --check-prefix=CALLER

// A chain of elementwise calls stays in the input's bytes.
// CHECK-LABEL: memory.method @in_place attributes {arenas = array<i64: 0, 16>}
// CHECK: %x = memory.planned "x" in 1 at 0
// CHECK: %y = memory.planned in 1 at 0
// CHECK: %z = memory.planned in 1 at 0
// NAIVE-LABEL: memory.method @in_place attributes {arenas = array<i64: 0, 16>}
// CALLER-LABEL: memory.method @in_place attributes {arenas = array<i64: 0, 16>}
// CALLER: %x = memory.unplanned "x" : !memory.slot<tensor<4xf32>>
// CALLER: %y = memory.planned in 1 at 0
// CALLER: %z = memory.unplanned : !memory.slot<tensor<4xf32>>
memory.method @in_place {
  %x = memory.planned "x" : !memory.slot<tensor<4xf32>>
  %y = memory.planned : !memory.slot<tensor<4xf32>>
  %z = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%z)
  memory.call @"aten::relu.out"(%x) outs(%y)
  memory.call @"aten::sigmoid.out"(%y) outs(%z)
  memory.end
}

// Not in place: the operand is used again, the operator is not known to be safe, the dtype differs.
// CHECK-LABEL: memory.method @apart attributes {arenas = array<i64: 0, 64>}
// CHECK: %less = memory.planned in 1 at
memory.method @apart {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  %relu = memory.planned : !memory.slot<tensor<4xf32>>
  %flip = memory.planned : !memory.slot<tensor<4xf32>>
  %less = memory.planned : !memory.slot<tensor<4xi1>>
  %d = memory.scalar 0 : i64
  %dims = memory.int_list [%d]
  memory.begin ins(%x) outs(%x, %relu, %flip, %less)
  memory.call @"aten::relu.out"(%x) outs(%relu)
  memory.call @"aten::flip.out"(%relu, %dims) outs(%flip)
  memory.call @"aten::lt.Tensor_out"(%x, %flip) outs(%less)
  memory.end
}

// A view keeps its source alive, and takes its place from it.
// CHECK-LABEL: memory.method @view attributes {arenas = array<i64: 0, 64>}
// CHECK: %v = memory.view %a : !memory.slot<tensor<2x2xf32>>
// CALLER-LABEL: memory.method @view
// CALLER: %x = memory.unplanned
// CALLER: %a = memory.planned in 1
// CALLER: %v = memory.view %a
memory.method @view {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  %a = memory.planned : !memory.slot<tensor<4xf32>>
  %v = memory.view %a : !memory.slot<tensor<2x2xf32>>
  %b = memory.planned : !memory.slot<tensor<4xf32>>
  %c = memory.planned : !memory.slot<tensor<4xf32>>
  %d = memory.planned : !memory.slot<tensor<2x2xf32>>
  %i = memory.scalar 0 : i64
  %dims = memory.int_list [%i]
  memory.begin ins(%x) outs(%b, %c, %d)
  memory.call @"aten::flip.out"(%x, %dims) outs(%a)
  memory.call @"aten::flip.out"(%x, %dims) outs(%b)
  memory.call @"aten::flip.out"(%b, %dims) outs(%c)
  memory.call @"aten::flip.out"(%v, %dims) outs(%d)
  memory.end
}

// Mutable buffers of several methods are in an arena of their own; a name has one place in all.
// CHECK-LABEL: memory.method @state attributes {arenas = array<i64: 0, 16, 16>}
// CHECK: %k = memory.planned "k" initial "k" in 2 at 0
// CHECK: %a = memory.planned in 1 at 0
memory.method @state {
  %k = memory.planned "k" initial "k" : !memory.slot<tensor<4xf32>>
  %a = memory.planned : !memory.slot<tensor<4xf32>>
  %b = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs(%b)
  memory.call @"aten::relu.out"(%k) outs(%a)
  memory.call @"aten::relu.out"(%a) outs(%b)
  memory.end
}

// CHECK-LABEL: memory.method @other_state attributes {arenas = array<i64: 0, 0, 32>}
// CHECK: %n = memory.planned "n" initial "n" in 2 at 16
// CHECK: %k = memory.planned "k" initial "k" in 2 at 0
memory.method @other_state {
  %n = memory.planned "n" initial "n" : !memory.slot<tensor<4xf32>>
  %k = memory.planned "k" initial "k" : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs()
  memory.call @"aten::relu.out"(%k) outs(%n)
  memory.end
}

// What a loop carries (%x, %y) keeps its bytes in the whole loop.
// CHECK-LABEL: memory.method @loop attributes {arenas = array<i64: 0, 80>}
memory.method @loop {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  %y = memory.planned : !memory.slot<tensor<4xf32>>
  %t = memory.planned : !memory.slot<tensor<8xf32>>
  %s = memory.planned : !memory.slot<tensor<i1>>
  %i = memory.scalar 0 : i64
  %dims = memory.int_list [%i]
  %tensors = memory.tensor_list [%x, %y]
  memory.begin ins(%x) outs(%y)
  memory.call @"aten::flip.out"(%x, %dims) outs(%y)
  memory.jump ^bb1
^bb1:
  memory.call @"aten::cat.out"(%tensors, %i) outs(%t)
  memory.call @"aten::any.all_out"(%t) outs(%s)
  memory.jump_false %s, ^bb1, ^bb2
^bb2:
  memory.end
}

// Nothing to plan.
// CHECK-LABEL: memory.method @constant attributes {arenas = array<i64: 0>}
memory.method @constant {
  %c = memory.scalar 7 : i64
  memory.begin ins() outs(%c)
  memory.end
}
