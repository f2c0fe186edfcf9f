// RUN: edge-opt %s -p llvm-code --split-input-file --verify-diagnostics | filecheck %s

// CHECK: in math.absi: there is no code for it in kernels
func.func @unknown(%x: tensor<8xi32>) -> tensor<8xi32> {
  %0 = kernel.program(%x) {arena = 0 : i64, scratch = 0 : i64} : (tensor<8xi32>) -> tensor<8xi32> {
    kernel.func @absolute(%a: !kernel.ptr<i32>, %b: !kernel.ptr<i32>, %task: index) {
      %1 = kernel.load %a : !kernel.ptr<i32> -> i32
      %2 = math.absi %1 : i32
      kernel.store %2, %b : i32, !kernel.ptr<i32>
    }
  }
  func.return %0 : tensor<8xi32>
}

// -----

// CHECK: in math.exp: there is code for it in f32 only, not in f64
func.func @wide(%x: tensor<8xf64>) -> tensor<8xf64> {
  %0 = kernel.program(%x) {arena = 0 : i64, scratch = 0 : i64} : (tensor<8xf64>) -> tensor<8xf64> {
    kernel.func @power(%a: !kernel.ptr<f64>, %b: !kernel.ptr<f64>, %task: index) {
      %1 = kernel.load %a : !kernel.ptr<f64> -> f64
      %2 = math.exp %1 : f64
      kernel.store %2, %b : f64, !kernel.ptr<f64>
    }
  }
  func.return %0 : tensor<8xf64>
}
