// RUN: edge-opt %s -p verify-memory --split-input-file --verify-diagnostics | filecheck %s

// A sound method: in place, a view, memory used again.
// CHECK-LABEL: memory.method @sound
// CHECK: memory.end
memory.method @sound attributes {arenas = array<i64: 0, 48>} {
  %w = memory.constant "w" : !memory.slot<tensor<4xf32>>
  %x = memory.planned in 1 at 0 : !memory.slot<tensor<4xf32>>
  %y = memory.planned in 1 at 0 : !memory.slot<tensor<4xf32>>
  %v = memory.view %y : !memory.slot<tensor<2x2xf32>>
  %z = memory.planned in 1 at 16 : !memory.slot<tensor<2x2xf32>>
  %o = memory.planned in 1 at 0 : !memory.slot<tensor<4xf32>>
  %c = memory.planned in 1 at 32 : !memory.slot<tensor<4xf32>>
  %d = memory.scalar 0 : i64
  %dims = memory.int_list [%d]
  %no = memory.scalar false
  memory.begin ins(%x) outs(%o, %c)
  memory.call @"aten::relu.out"(%x) outs(%y)
  memory.call @"aten::flip.out"(%v, %dims) outs(%z)
  memory.call @"aten::exp.out"(%w) outs(%o)
  memory.call @"aten::copy_"(%c, %w, %no) returns(%c)
  memory.end
}

// -----

// What is wrong with places is named at once.
// CHECK: error: in memory.planned: @places: %x is at offset 8, no multiple of 16
// CHECK-NEXT: error: in memory.planned: @places: %y ends at byte 80 of arena 1, which has 64
// CHECK-NEXT: error: in memory.planned: @places: %z is in arena 2, which the method does not list
// CHECK-NEXT: error: in memory.planned: @places: %n has no place in an arena; run plan-memory
memory.method @places attributes {arenas = array<i64: 0, 64>} {
  %x = memory.planned in 1 at 8 : !memory.slot<tensor<4xf32>>
  %y = memory.planned in 1 at 64 : !memory.slot<tensor<4xf32>>
  %z = memory.planned in 2 at 0 : !memory.slot<tensor<4xf32>>
  %n = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x, %y, %z, %n) outs()
  memory.end
}

// -----

// Live at the same time in the same bytes; flip may not work in place.
// CHECK: error: in memory.planned: @overlap: %y shares bytes with %x in arena 1 while both are live
// CHECK-NEXT: error: in memory.planned: @overlap: %z shares bytes with %y in arena 1 while both are
memory.method @overlap attributes {arenas = array<i64: 0, 32>} {
  %x = memory.planned in 1 at 0 : !memory.slot<tensor<8xf32>>
  %y = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %z = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %d = memory.scalar 0 : i64
  %dims = memory.int_list [%d]
  memory.begin ins(%x, %y) outs(%z)
  memory.call @"aten::flip.out"(%y, %dims) outs(%z)
  memory.end
}

// -----

// Reads and writes that cannot work.
// CHECK: error: in memory.call: @access: %y is read before anything is written to it
// CHECK-NEXT: error: in memory.begin: @access: %o is read before anything is written to it
// CHECK-NEXT: error: in memory.call: @access: %u has no memory: it is neither planned nor an input
// CHECK-NEXT: error: in memory.call: @access: %w is a constant and is written
memory.method @access attributes {arenas = array<i64: 0, 48>} {
  %w = memory.constant "w" : !memory.slot<tensor<4xf32>>
  %x = memory.planned in 1 at 0 : !memory.slot<tensor<4xf32>>
  %y = memory.planned in 1 at 16 : !memory.slot<tensor<4xf32>>
  %o = memory.planned in 1 at 32 : !memory.slot<tensor<4xf32>>
  %u = memory.unplanned : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%o)
  memory.call @"aten::relu.out"(%y) outs(%u)
  memory.call @"aten::relu.out"(%x) outs(%w)
  memory.end
}

// -----

// A list before its tensors, a list as an output.
// CHECK: error: in memory.tensor_list: @order: %l refers to %x, which is declared later
// CHECK-NEXT: error: in memory.begin: @order: %l is a list; name its tensors one by one
"memory.method"() <{sym_name = "order", arenas = array<i64: 0, 16>}> ({
  %l = "memory.tensor_list"(%x) : (!memory.slot<tensor<4xf32>>) -> !memory.slot<!memory.tensors>
  %x = "memory.planned"() <{arena = 1 : i64, offset = 0 : i64}> : () -> !memory.slot<tensor<4xf32>>
  "memory.begin"(%x, %l) <{operandSegmentSizes = array<i32: 1, 1>}> : (!memory.slot<tensor<4xf32>>, !memory.slot<!memory.tensors>) -> ()
  "memory.end"() : () -> ()
}) : () -> ()

// -----

// CHECK: error: in memory.jump_false: @entry: jumps to the entry block, which declares the slots
memory.method @entry {
^bb0:
  %c = memory.scalar true
  memory.begin ins() outs()
  memory.jump ^bb1
^bb1:
  memory.jump_false %c, ^bb0, ^bb2
^bb2:
  memory.end
}

// -----

// CHECK: error: in test.op: not a memory.method; run convert-edge-to-memory
"test.op"() : () -> ()
