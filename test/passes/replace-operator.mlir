// RUN: edge-opt %s -p 'replace-operator{old="aten::relu.out" new="aten::sigmoid.out"}' | filecheck %s
// RUN: edge-opt %s -p 'replace-operator{old="aten::tanh.out" new="aten::sigmoid.out"}' --verify-diagnostics | filecheck %s --check-prefix=ABSENT

// CHECK: memory.call @"aten::sigmoid.out"(%x) outs(%y)
// CHECK-NEXT: memory.call @"aten::neg.out"(%y) outs(%x)
// ABSENT: no memory.call of 'aten::tanh.out'; the module calls aten::neg.out, aten::relu.out
memory.method @forward {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  %y = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%x)
  memory.call @"aten::relu.out"(%x) outs(%y)
  memory.call @"aten::neg.out"(%y) outs(%x)
  memory.end
}
