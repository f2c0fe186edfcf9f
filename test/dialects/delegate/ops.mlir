// RUN: EDGE_ROUNDTRIP

// A region owns its operations: all it uses comes in as operands.
// CHECK-LABEL: func.func @regions(
func.func @regions(%x: tensor<4xf32>, %n: i64) {
  // CHECK-NEXT: %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "llvm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ^bb0(%a: tensor<4xf32>):
  ^bb0(%a: tensor<4xf32>):
    // CHECK-NEXT: %[[A:.*]] = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = edge.relu(%a) : (tensor<4xf32>) -> tensor<4xf32>
    // CHECK-NEXT: delegate.yield %[[A]] : tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  // CHECK-NEXT: }
  }
  // Several results, and numbers that cross the border.
  // CHECK-NEXT: %{{.*}}, %{{.*}} = delegate.region "llvm"(%x, %n) : (tensor<4xf32>, i64) -> (tensor<4xf32>, i64) {
  %2, %3 = delegate.region "llvm"(%x, %n) : (tensor<4xf32>, i64) -> (tensor<4xf32>, i64) {
  // CHECK-NEXT: ^bb0(%b: tensor<4xf32>, %m: i64):
  ^bb0(%b: tensor<4xf32>, %m: i64):
    // CHECK-NEXT: delegate.yield %b, %m : tensor<4xf32>, i64
    delegate.yield %b, %m : tensor<4xf32>, i64
  // CHECK-NEXT: }
  }
  func.return
}

// A compiled region, by the key of its payload.
// CHECK-LABEL: func.func @calls(
func.func @calls(%x: tensor<4xf32>) {
  // CHECK-NEXT: %0 = delegate.call "llvm" "sha256:12ab"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %0 = delegate.call "llvm" "sha256:12ab"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return
}
