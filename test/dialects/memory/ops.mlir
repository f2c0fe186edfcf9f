// RUN: edge-opt %s | edge-opt | filecheck %s
// RUN: edge-opt %s --print-op-generic | edge-opt | filecheck %s

// Every slot and every instruction of a method.
// CHECK-LABEL: memory.method @forward attributes {arenas = array<i64: 0, 256>, inputs = "in", outputs = "out"} {
memory.method @forward attributes {arenas = array<i64: 0, 256>, inputs = "in", outputs = "out"} {
  // CHECK-NEXT: %x = memory.planned "x" dynamic in 1 at 64 : !memory.slot<tensor<2x4xf32>>
  %x = memory.planned "x" dynamic in 1 at 64 : !memory.slot<tensor<2x4xf32>>
  // CHECK-NEXT: %o = memory.planned : !memory.slot<tensor<1x2x3x4xf32, #edge.layout<order = [0, 2, 3, 1]>>>
  %o = memory.planned : !memory.slot<tensor<1x2x3x4xf32, #edge.layout<order = [0, 2, 3, 1]>>>
  // CHECK-NEXT: %k = memory.planned "cache" initial "cache" : !memory.slot<tensor<4xbf16>>
  %k = memory.planned "cache" initial "cache" : !memory.slot<tensor<4xbf16>>
  // CHECK-NEXT: %u = memory.unplanned "y" dynamic : !memory.slot<tensor<2x4xf32>>
  %u = memory.unplanned "y" dynamic : !memory.slot<tensor<2x4xf32>>
  // CHECK-NEXT: %w = memory.constant "fc.weight" : !memory.slot<tensor<2x4xf32>>
  %w = memory.constant "fc.weight" : !memory.slot<tensor<2x4xf32>>
  // CHECK-NEXT: %c = memory.constant #edge.constant<"0x01" : tensor<1xi1>> : !memory.slot<tensor<i1>>
  %c = memory.constant #edge.constant<"0x01" : tensor<1xi1>> : !memory.slot<tensor<i1>>
  // CHECK-NEXT: %v = memory.view %x + 16 dynamic : !memory.slot<tensor<4xf32>>
  %v = memory.view %x + 16 dynamic : !memory.slot<tensor<4xf32>>
  // CHECK-NEXT: %f = memory.view %x : !memory.slot<tensor<8xf32>>
  %f = memory.view %x : !memory.slot<tensor<8xf32>>
  // CHECK-NEXT: %one = memory.scalar 1 : i64
  %one = memory.scalar 1 : i64
  // CHECK-NEXT: %half = memory.scalar 5.000000e-01 : f64
  %half = memory.scalar 5.000000e-01 : f64
  // CHECK-NEXT: %inf = memory.scalar 0x7ff0000000000000 : f64
  %inf = memory.scalar 0x7ff0000000000000 : f64
  // CHECK-NEXT: %t = memory.scalar true
  %t = memory.scalar true
  // CHECK-NEXT: %s = memory.string "trunc"
  %s = memory.string "trunc"
  // CHECK-NEXT: %n = memory.null
  %n = memory.null
  // CHECK-NEXT: %ints = memory.int_list [%one, %one]
  %ints = memory.int_list [%one, %one]
  // CHECK-NEXT: %none = memory.int_list []
  %none = memory.int_list []
  // CHECK-NEXT: %doubles = memory.double_list [5.000000e-01 : f64, 0x7ff8000000000000 : f64]
  %doubles = memory.double_list [5.000000e-01 : f64, 0x7ff8000000000000 : f64]
  // CHECK-NEXT: %bools = memory.bool_list [true, false]
  %bools = memory.bool_list [true, false]
  // CHECK-NEXT: %ts = memory.tensor_list [%x, %w]
  %ts = memory.tensor_list [%x, %w]
  // CHECK-NEXT: %os = memory.optional_tensor_list [none, %x, none]
  %os = memory.optional_tensor_list [none, %x, none]
  // CHECK-NEXT: memory.begin ins(%x, %one) outs(%u)
  memory.begin ins(%x, %one) outs(%u)
  // CHECK-NEXT: memory.call @"aten::add.out"(%x, %w, %one) outs(%u)
  memory.call @"aten::add.out"(%x, %w, %one) outs(%u)
  // CHECK-NEXT: memory.call @"aten::unbind_copy.int_out"(%x, %one) outs(%ts) returns(%ts)
  memory.call @"aten::unbind_copy.int_out"(%x, %one) outs(%ts) returns(%ts)
  // CHECK-NEXT: memory.call @"aten::sym_size.int"(%x, %one) returns(%one)
  memory.call @"aten::sym_size.int"(%x, %one) returns(%one)
  // CHECK-NEXT: memory.delegate_call "XnnpackBackend" "payload"(%x, %w) outs(%u)
  memory.delegate_call "XnnpackBackend" "payload"(%x, %w) outs(%u)
  // CHECK-NEXT: memory.jump_false %t, ^[[END:.*]], ^[[BODY:.*]]
  memory.jump_false %t, ^bb2, ^bb1
// CHECK-NEXT: ^[[BODY]]:
^bb1:
  // CHECK-NEXT: memory.move %x, %u
  memory.move %x, %u
  // CHECK-NEXT: memory.free %o
  memory.free %o
  // CHECK-NEXT: memory.jump ^[[END]]
  memory.jump ^bb2
// CHECK-NEXT: ^[[END]]:
^bb2:
  // CHECK-NEXT: memory.end
  memory.end
}

// Two declarations that look alike are two slots.
// CHECK-LABEL: memory.method @alike {
memory.method @alike {
  // CHECK-NEXT: %a = memory.scalar 1 : i64
  %a = memory.scalar 1 : i64
  // CHECK-NEXT: %b = memory.scalar 1 : i64
  %b = memory.scalar 1 : i64
  // CHECK-NEXT: memory.begin ins() outs(%a, %b)
  memory.begin ins() outs(%a, %b)
  // CHECK-NEXT: memory.end
  memory.end
}

// What programs of other compilers have besides.
// CHECK-LABEL: memory.method @read_back attributes {arenas = array<i64: 0, 16, 16>, devices = ["", "", "cuda:1"]} {
memory.method @read_back attributes {arenas = array<i64: 0, 16, 16>, devices = ["", "", "cuda:1"]} {
  // CHECK-NEXT: %k = memory.planned state in 1 at 0 : !memory.slot<tensor<4xf32>>
  %k = memory.planned state in 1 at 0 : !memory.slot<tensor<4xf32>>
  // CHECK-NEXT: %g = memory.planned "g" in 2 at 0 {device = "cuda:1"} : !memory.slot<tensor<4xf32>>
  %g = memory.planned "g" in 2 at 0 {device = "cuda:1"} : !memory.slot<tensor<4xf32>>
  // CHECK-NEXT: %w = memory.constant "w" {user_name = "fc.weight"} : !memory.slot<tensor<4xf32>>
  %w = memory.constant "w" {user_name = "fc.weight"} : !memory.slot<tensor<4xf32>>
  // CHECK-NEXT: %e = memory.external "fc.bias" : !memory.slot<tensor<4xf32>>
  %e = memory.external "fc.bias" : !memory.slot<tensor<4xf32>>
  // CHECK-NEXT: %l = memory.int_list [%later, %number : !memory.slot<none>]
  %l = memory.int_list [%later, %number : !memory.slot<none>]
  // CHECK-NEXT: %later = memory.scalar 1 : i64
  %later = memory.scalar 1 : i64
  // CHECK-NEXT: %number = memory.null
  %number = memory.null
  // CHECK-NEXT: %o = memory.optional_tensor_list [none, %number, %k]
  %o = memory.optional_tensor_list [none, %number, %k]
  // CHECK-NEXT: memory.begin ins() outs(%k)
  memory.begin ins() outs(%k)
  // CHECK-NEXT: memory.delegate_call "NpuBackend" "payload"(%w, %e) outs(%g) {specs = {{\[\[}}"level", "\FF"{{\]\]}}}
  memory.delegate_call "NpuBackend" "payload"(%w, %e) outs(%g) {specs = [["level", "\FF"]]}
  // CHECK-NEXT: memory.call @"aten::sym_numel"(%k) returns(%number)
  memory.call @"aten::sym_numel"(%k) returns(%number)
  // CHECK-NEXT: memory.jump_false %number, ^[[BLOCK:.*]], ^[[BLOCK]]
  memory.jump_false %number, ^bb1, ^bb1
// CHECK-NEXT: ^[[BLOCK]]:
^bb1:
  // CHECK-NEXT: memory.next_chain ^[[NEXT:.*]]
  memory.next_chain ^bb2
// CHECK-NEXT: ^[[NEXT]]:
^bb2:
  // CHECK-NEXT: memory.end
  memory.end
  // CHECK-NEXT: }
}

// CHECK: memory.named_data "key" "payload"
memory.named_data "key" "payload"
