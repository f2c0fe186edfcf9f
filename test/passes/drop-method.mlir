// RUN: edge-opt %s -p "drop-method{method=first}" | filecheck %s
// RUN: edge-opt %s -p "drop-method{method=absent}" --verify-diagnostics | filecheck %s --check-prefix=ABSENT
// RUN: edge-opt %s -p "drop-method{method=first},drop-method{method=second}" --verify-diagnostics | filecheck %s --check-prefix=ONLY

// CHECK-NOT: @first
// CHECK: memory.method @second
// ABSENT: there is no method 'absent'; there are: first, second
// ONLY: 'second' is the only method
memory.method @first {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%x)
  memory.end
}
memory.method @second {
  %x = memory.planned : !memory.slot<tensor<2xf32>>
  memory.begin ins(%x) outs(%x)
  memory.end
}
