// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: delegate.region: block arguments differ from the inputs
func.func @arguments(%x: tensor<4xf32>) {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<3xf32>):
    delegate.yield %a : tensor<3xf32>
  }
  func.return
}

// -----

// CHECK: delegate.region: what is yielded differs from the results
func.func @results(%x: tensor<4xf32>) {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<3xf32> {
  ^bb0(%a: tensor<4xf32>):
    delegate.yield %a : tensor<4xf32>
  }
  func.return
}

// -----

// CHECK: Operation edge.relu terminates block in single-block region but is not a terminator
func.func @terminator(%x: tensor<4xf32>) {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
  }
  func.return
}

// -----

// CHECK: expected a single block, but got 0 blocks
func.func @empty(%x: tensor<4xf32>) {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  }
  func.return
}

// -----

// Nothing from outside is used inside; the verifier says so.
// CHECK: Operation using value defined out of its IsolatedFromAbove parent
func.func @captured(%x: tensor<4xf32>) {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    delegate.yield %x : tensor<4xf32>
  }
  func.return
}
