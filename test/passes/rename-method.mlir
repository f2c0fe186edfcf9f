// RUN: edge-opt %s -p "rename-method{old=first new=encode}" | filecheck %s
// RUN: edge-opt %s -p "rename-method{old=absent new=encode}" --verify-diagnostics | filecheck %s --check-prefix=ABSENT
// RUN: edge-opt %s -p "rename-method{old=first new=second}" --verify-diagnostics | filecheck %s --check-prefix=TAKEN

// CHECK: memory.method @encode
// CHECK-NOT: @first
// CHECK: func.func @second
// ABSENT: there is no method 'absent'; there are: first, second
// TAKEN: there is a method 'second' already
memory.method @first {
  %x = memory.planned : !memory.slot<tensor<4xf32>>
  memory.begin ins(%x) outs(%x)
  memory.end
}
func.func @second() {
  func.return
}
