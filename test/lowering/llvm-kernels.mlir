// RUN: edge-opt %s -p "llvm-kernels{target-cpu=x86-64-v4}" --split-input-file --verify-diagnostics | filecheck %s

// One elementwise step: a map over all elements, from the input's memory to the output's.
// CHECK-LABEL: func.func @map
// CHECK: %[[P:.*]] = kernel.program(%{{.*}}) {arena = 0 : i64, scratch = 0 : i64} : (tensor<4x6xf32>) -> tensor<4x6xf32> {
// CHECK-NEXT: kernel.func @map(%[[X:.*]]: !kernel.ptr<f32>, %[[Y:.*]]: !kernel.ptr<f32>, %{{.*}}: index) {
// CHECK-NEXT: kernel.map ins(%[[X]] : !kernel.ptr<f32>) outs(%[[Y]] : !kernel.ptr<f32>) {shape = array<i64: 24>
// CHECK: arith.maximumf
// CHECK: math.exp
// CHECK: kernel.argument {index = 0 : i64}
// CHECK: kernel.argument {index = 1 : i64}
// CHECK: kernel.launch @map(%{{.*}}, %{{.*}}) {tasks = 1 : i64}
// CHECK: delegate.yield %[[P]]
func.func @map(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %0 = delegate.region "llvm"(%x) : (tensor<4x6xf32>) -> tensor<4x6xf32> {
  ^bb0(%a: tensor<4x6xf32>):
    %1 = edge.relu(%a) : (tensor<4x6xf32>) -> tensor<4x6xf32>
    %2 = edge.exp(%1) : (tensor<4x6xf32>) -> tensor<4x6xf32>
    delegate.yield %2 : tensor<4x6xf32>
  }
  func.return %0 : tensor<4x6xf32>
}

// Equal steps share a kernel.
// CHECK-LABEL: func.func @shared
// CHECK-COUNT-1: kernel.func
// CHECK: kernel.launch @[[K:.*]](%{{.*}}, %{{.*}}) {
// CHECK: kernel.launch @[[K]](%{{.*}}, %{{.*}}) {
func.func @shared(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0, %1 = delegate.region "llvm"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: tensor<4xf32>, %b: tensor<4xf32>):
    %2 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %3 = edge.relu(%b) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %2, %3 : tensor<4xf32>, tensor<4xf32>
  }
  func.return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// A region of another backend is left alone.
// CHECK-LABEL: func.func @other
// CHECK: delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT: ^bb0
// CHECK-NEXT: edge.relu
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}

// RUN: edge-opt %s -p "llvm-kernels{target-cpu=z80}" --split-input-file --verify-diagnostics | filecheck %s --check-prefix=CPU
// CPU: llvm-kernels: {{.*}}z80

// -----

// Text may have operations that no plan has placed.
// CHECK: in edge.relu: it has no place; leave kernel.arena away from the region, then llvm-plan plans it anew
func.func @unplanned(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "llvm"(%x) {kernel.arena = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}

// -----

// CHECK: in kernel.step: it has no place
func.func @no_places(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "llvm"(%x) {kernel.arena = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = kernel.step : tensor<4xf32> {
      %2 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
      kernel.yield %2 : tensor<4xf32>
    }
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}

// -----

// CHECK: in edge.cat: it has no place
func.func @no_place(%x: tensor<4xf32>) -> tensor<8xf32> {
  %0 = delegate.region "llvm"(%x) {kernel.arena = 0 : i64} : (tensor<4xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.cat([%a, %a], dim = 0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
    delegate.yield %1 : tensor<8xf32>
  }
  func.return %0 : tensor<8xf32>
}

// -----

// CHECK: in edge.lgamma: there are no kernels for it
func.func @no_kernels(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "llvm"(%x) {kernel.arena = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = kernel.step at [#kernel.place<argument 1 + 0 strides [1]>] : tensor<4xf32> {
      %2 = edge.lgamma(%a) : (tensor<4xf32>) -> tensor<4xf32>
      kernel.yield %2 : tensor<4xf32>
    }
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}
