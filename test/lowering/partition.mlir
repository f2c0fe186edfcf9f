// RUN: edge-opt %s -p partition{backend=numpy} --split-input-file --verify-diagnostics | filecheck %s
// RUN: edge-opt %s --load %S/running_backend.py -p partition{backend=running,numpy} --split-input-file --verify-diagnostics | filecheck %s --check-prefix=TWO

// What is supported on both sides of something that is not becomes two regions; weights and
// constants are cloned into them.
// CHECK-LABEL: func.func @forward
// CHECK-NEXT: %0 = delegate.region "numpy"(%x) : (tensor<2x4xf32>) -> tensor<2x4xf32> {
// CHECK-NEXT: ^bb0(%[[X:.*]]: tensor<2x4xf32>):
// CHECK-NEXT: %[[W:.*]] = edge.weight "w" : tensor<4x4xf32>
// CHECK-NEXT: %[[B:.*]] = edge.constant
// CHECK-NEXT: %[[L:.*]] = edge.linear(%[[X]], %[[W]], %[[B]])
// CHECK-NEXT: %[[R:.*]] = edge.relu(%[[L]])
// CHECK-NEXT: delegate.yield %[[R]]
// CHECK-NEXT: }
// CHECK-NEXT: %1 = edge.cumsum(%0, dim = 0) attributes {delegate.reason = "numpy: has no function for edge.cumsum"}
// CHECK-NEXT: %2 = delegate.region "numpy"(%1)
// CHECK-NEXT: ^bb0(%[[Y:.*]]: tensor<2x4xf32>):
// CHECK-NEXT: %[[W:.*]] = edge.weight "w" : tensor<4x4xf32>
// CHECK-NEXT: %[[L:.*]] = edge.linear(%[[Y]], %[[W]])
// CHECK-NEXT: delegate.yield %[[L]]
// CHECK-NEXT: }
// CHECK-NEXT: func.return %2
// TWO-LABEL: func.func @forward
// TWO: %1 = delegate.region "running"(%0)
// TWO: edge.cumsum
func.func @forward(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %w = edge.weight "w" : tensor<4x4xf32>
  %b = edge.constant #edge.constant<"0x0000803F" : tensor<4xf32>> : tensor<4xf32>
  %0 = edge.linear(%x, %w, %b) : (tensor<2x4xf32>, tensor<4x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  %1 = edge.relu(%0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %2 = edge.cumsum(%1, dim = 0) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = edge.linear(%2, %w) : (tensor<2x4xf32>, tensor<4x4xf32>) -> tensor<2x4xf32>
  func.return %3 : tensor<2x4xf32>
}

// A diamond: one region of relu and add would need cumsum, which needs relu.
// CHECK-LABEL: func.func @diamond
// CHECK-NEXT: %0, %1 = delegate.region "numpy"(%x)
// CHECK: edge.relu
// CHECK-NEXT: edge.tanh
// CHECK-NEXT: delegate.yield
// CHECK: %2 = edge.cumsum(%0, dim = 0)
// CHECK: delegate.region "numpy"(%2, %1)
// CHECK: edge.add.Tensor
func.func @diamond(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.cumsum(%0, dim = 0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.tanh(%0) : (tensor<4xf32>) -> tensor<4xf32>
  %3 = edge.add.Tensor(%1, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %3 : tensor<4xf32>
}

// Parts that do not depend on each other share a region, moved behind what it needs.
// CHECK-LABEL: func.func @parts
// CHECK-NEXT: %0, %1 = delegate.region "numpy"(%x, %y) : (tensor<4xf32>, tensor<3xf32>) -> (tensor<4xf32>, tensor<3xf32>) {
// CHECK: %{{.*}} = edge.cumsum(%0
// CHECK: func.return %{{.*}}, %1
func.func @parts(%x: tensor<4xf32>, %y: tensor<3xf32>) -> (tensor<4xf32>, tensor<3xf32>) {
  %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.cumsum(%0, dim = 0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.tanh(%y) : (tensor<3xf32>) -> tensor<3xf32>
  func.return %1, %2 : tensor<4xf32>, tensor<3xf32>
}

// The first backend is preferred: it also gets neg, which the other one would take.
// TWO-LABEL: func.func @preferred
// TWO-NEXT: %0 = delegate.region "running"(%x)
// TWO: edge.neg
// TWO-NEXT: edge.cumsum
// TWO: %1 = delegate.region "numpy"(%0)
// TWO: edge.exp
func.func @preferred(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.neg(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %1 = edge.cumsum(%0, dim = 0) : (tensor<4xf32>) -> tensor<4xf32>
  %2 = edge.exp(%1) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// What no backend takes has the reason of each.
// CHECK-LABEL: func.func @reasons
// CHECK-NEXT: edge.relu(%x) attributes {delegate.reason = "numpy: takes f32 only, not f16"}
// TWO-LABEL: func.func @reasons
// TWO-NEXT: edge.relu(%x) attributes {delegate.reason = "running: takes cumsum and neg only; numpy: takes f32 only, not f16"}
func.func @reasons(%x: tensor<4xf16>) -> tensor<4xf16> {
  %0 = edge.relu(%x) : (tensor<4xf16>) -> tensor<4xf16>
  func.return %0 : tensor<4xf16>
}

// Random numbers are drawn in their order, outside; so is a size that no operand has.
// CHECK-LABEL: func.func @outside
// CHECK: edge.rand(size = [4], dtype = f32) attributes {delegate.reason = "numpy: it draws random numbers, or has another effect"}
// CHECK: edge.full(size = #edge.exprs<[s0]>, fill_value = 1, dtype = f32) attributes {delegate.reason = "numpy: the size s0 is that of none of its operands"}
func.func @outside(%x: tensor<?xf32, #edge.layout<dims = [s0]>>) -> (tensor<4xf32>, tensor<?xf32, #edge.layout<dims = [s0]>>) attributes {edge.symbols = {s0 = [2, 8]}} {
  %0 = edge.rand(size = [4], dtype = f32) : () -> tensor<4xf32>
  %1 = edge.full(size = #edge.exprs<[s0]>, fill_value = 1, dtype = f32) : () -> tensor<?xf32, #edge.layout<dims = [s0]>>
  func.return %0, %1 : tensor<4xf32>, tensor<?xf32, #edge.layout<dims = [s0]>>
}

// A mutable buffer comes in as an operand, and its new value goes out.
// CHECK-LABEL: func.func @state
// CHECK-NEXT: %0 = edge.state "total" : tensor<4xf32>
// CHECK-NEXT: %1 = delegate.region "numpy"(%0, %x)
// CHECK: func.return %1, %1
func.func @state(%x: tensor<4xf32>) -> (tensor<4xf32> {edge.mutates = "total"}, tensor<4xf32>) {
  %0 = edge.state "total" : tensor<4xf32>
  %1 = edge.add.Tensor(%0, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  func.return %1, %1 : tensor<4xf32>, tensor<4xf32>
}

// A region of views brings nothing; nor does one at the border, of what comes out anyway. Inside,
// and where it is the only thing that comes out, a view belongs to the region.
// CHECK-LABEL: func.func @views
// CHECK-NEXT: %0 = edge.view(%x, size = [2, 2]) attributes {delegate.reason = "numpy: a view that costs nothing outside of a region"}
// CHECK-NEXT: %1 = edge.cumsum(%0
// CHECK-NEXT: %2, %3 = delegate.region "numpy"(%1)
// CHECK: edge.relu
// CHECK-NEXT: edge.view
// CHECK-NEXT: edge.exp
// CHECK-NEXT: edge.view
// CHECK-NEXT: delegate.yield
// CHECK: %4 = edge.view(%2, size = [4]) attributes {delegate.reason
// CHECK: func.return %2, %4, %3
func.func @views(%x: tensor<4xf32>) -> (tensor<2x2xf32>, tensor<4xf32>, tensor<1x4xf32>) {
  %0 = edge.view(%x, size = [2, 2]) : (tensor<4xf32>) -> tensor<2x2xf32>
  %1 = edge.cumsum(%0, dim = 0) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = edge.relu(%1) : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = edge.view(%2, size = [4]) : (tensor<2x2xf32>) -> tensor<4xf32>
  %4 = edge.view(%2, size = [4, 1]) : (tensor<2x2xf32>) -> tensor<4x1xf32>
  %5 = edge.exp(%4) : (tensor<4x1xf32>) -> tensor<4x1xf32>
  %6 = edge.view(%5, size = [1, 4]) : (tensor<4x1xf32>) -> tensor<1x4xf32>
  func.return %2, %3, %6 : tensor<2x2xf32>, tensor<4xf32>, tensor<1x4xf32>
}

// Nothing to do: an input that goes out as it came, and a weight.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT: %0 = edge.weight "w" : tensor<4xf32>
// CHECK-NEXT: func.return %x, %0
func.func @nothing(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = edge.weight "w" : tensor<4xf32>
  func.return %x, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// What is a region already stays one.
// CHECK-LABEL: func.func @again
// CHECK-NEXT: %0 = delegate.region "llvm"(%x)
// CHECK: edge.relu
// CHECK: %1 = delegate.region "numpy"(%0)
// CHECK: edge.neg
func.func @again(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  }
  %2 = edge.neg(%0) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %2 : tensor<4xf32>
}

// The errors are at the end: no module comes out of them.
// RUN: edge-opt %s -p partition{backend=nothing} --split-input-file --verify-diagnostics | filecheck %s --check-prefix=UNKNOWN
// UNKNOWN: partition: there is no backend 'nothing'; there are
// RUN: edge-opt %s -p "partition{backend=numpy require-full-delegation=true}" --split-input-file --verify-diagnostics | filecheck %s --check-prefix=FULL
// FULL: error: in edge.cumsum: is not delegated: numpy: has no function for edge.cumsum
// FULL-NEXT: error: in edge.cumsum: is not delegated
