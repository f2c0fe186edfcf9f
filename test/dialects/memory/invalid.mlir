// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: memory.slot: the value table cannot hold i32
"test.op"() : () -> !memory.slot<i32>

// -----

// CHECK: tensor<?xf32> has sizes that are not known; a slot takes upper bounds
"test.op"() : () -> !memory.slot<tensor<?xf32>>

// -----

// CHECK: memory.list: no list of i32; use i64, f64 or i1
"test.op"() : () -> !memory.slot<!memory.list<i32>>

// -----

// CHECK: memory.method: entry 0 of arenas is reserved and must be 0
memory.method @arenas attributes {arenas = array<i64: 64>} {
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.method: memory.scalar stands after memory.begin; declarations come first
memory.method @order {
  memory.begin ins() outs()
  %a = memory.scalar 1 : i64
  memory.end
}

// -----

// CHECK: memory.method: memory.end stands before memory.begin
memory.method @begin {
  memory.end
}

// -----

// CHECK: memory.method: memory.end stands before the last block
memory.method @end {
  memory.begin ins() outs()
  memory.end
^bb1:
  memory.end
}

// -----

// CHECK: memory.planned: no arena 0 at 16; arenas count from 1, bytes from 0
memory.method @arena {
  %x = memory.planned in 0 at 16 : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.planned: the slot holds !memory.slot<i64>, not a tensor
memory.method @scalar {
  %x = memory.planned : !memory.slot<i64>
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.view: 16 bytes at 4 do not lie inside the 16 bytes of tensor<4xf32>
memory.method @outside {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  %v = memory.view %x + 4 : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.view: a view of a constant starts where the constant does
memory.method @part {
  %x = memory.constant "w" : !memory.slot<tensor<4xf32>>
  %v = memory.view %x + 8 : !memory.slot<tensor<2xf32>>
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.view: the source's memory comes from outside
memory.method @caller {
  %x = memory.unplanned : !memory.slot<tensor<4xf32>>
  %v = memory.view %x : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.slot: the value table cannot hold i32
memory.method @number {
  %x = memory.scalar 1 : i32
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.scalar: a value of i1 in a !memory.slot<i64>
"memory.method"() <{sym_name = "mismatch"}> ({
  %x = "memory.scalar"() <{value = true}> : () -> !memory.slot<i64>
  "memory.begin"() <{operandSegmentSizes = array<i32: 0, 0>}> : () -> ()
  "memory.end"() : () -> ()
}) : () -> ()

// -----

// CHECK: memory.tensor_list: an item is a !memory.slot<i64>, not a tensor
memory.method @items {
  %x = memory.scalar 1 : i64
  %l = memory.tensor_list [%x]
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: slot used before its declaration
memory.method @undeclared {
  memory.begin ins(%x) outs()
  memory.end
}

// -----

// CHECK: memory.call: aten::topk.values has several outs or a list; add returns(%list)
memory.method @returns {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins() outs()
  memory.call @"aten::topk.values"(%x) outs(%x, %x)
  memory.end
}

// -----

// CHECK: memory.jump: a method runs on into the block that comes next
memory.method @jump {
  memory.begin ins() outs()
  memory.jump ^bb2
^bb1:
  memory.jump ^bb2
^bb2:
  memory.end
}

// -----

// CHECK: memory.jump_false: the condition is a !memory.slot<i64>, not i1 or a tensor of i1
memory.method @condition {
  %x = memory.scalar 1 : i64
  memory.begin ins() outs()
  memory.jump_false %x, ^bb1, ^bb1
^bb1:
  memory.end
}

// -----

// CHECK: memory.int_list: an item is a !memory.slot<f64>, not an i64
memory.method @list_of_doubles {
  %d = memory.scalar 1.000000e+00 : f64
  %l = memory.int_list [%d]
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.delegate_call: ["level"] is not an option; write ["name", "value"]
memory.method @option {
  memory.begin ins() outs()
  memory.delegate_call "NpuBackend" "payload"() {specs = [["level"]]}
  memory.end
}

// -----

// CHECK: memory.slot: tensor<2147483648xi8> has a size that is not from 0 to 2147483647
memory.method @size {
  %0 = memory.planned : !memory.slot<tensor<2147483648xi8>>
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: memory.slot: tensor<2147483647x2147483647xi8> is larger than any memory
memory.method @bytes {
  %0 = memory.planned : !memory.slot<tensor<2147483647x2147483647xi8>>
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: edge.symbols: the range of s0 is [8 : i64, 2 : i64]; expected [least] or [least, largest]
memory.method @range attributes {symbols = {s0 = [8, 2]}} {
  memory.begin ins() outs()
  memory.end
}

// -----

// CHECK: re-declaration of block 'bb1'
memory.method @block {
^bb0:
  memory.begin ins() outs()
  memory.jump ^bb1
^bb1:
  memory.jump ^bb1
^bb1:
  memory.end
}

// -----

// CHECK: memory.method: memory.end stands before memory.begin
memory.method @sizes attributes {sizes = [unit]} {
  memory.end
}
