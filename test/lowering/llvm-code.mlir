// RUN: edge-opt %s -p "llvm-kernels{target-cpu=x86-64-v3},llvm-code{target-cpu=x86-64-v3}" --split-input-file --verify-diagnostics | filecheck %s
// RUN: edge-opt %s -p "llvm-kernels{target-cpu=x86-64-v3},llvm-code{form=llvm-ir target-cpu=x86-64-v3}" --split-input-file --verify-diagnostics | filecheck %s --check-prefix=IR
// RUN: edge-opt %s -p "llvm-kernels{target-cpu=x86-64-v3},llvm-code{target-cpu=x86-64-v3}" --split-input-file | edge-opt --split-input-file | filecheck %s

// The code stands behind the kernel, which stays.
// CHECK-LABEL: func.func @relu
// CHECK: kernel.func @map(
// CHECK: kernel.code @map "asm" for "x86-64-v3" [
// CHECK: "map:{{.*}}",
// CHECK: vmaxps{{.*}} %ymm
// CHECK: "        retq",
// CHECK: kernel.launch @map
// IR: kernel.code @map "llvm-ir" for "x86-64-v3" [
// IR: "define void @map(ptr noalias %a0, ptr noalias %a1, i64 %a2) nounwind {",
// IR: load <8 x float>
// IR: kernel.launch @map
func.func @relu(%x: tensor<64xf32>) -> tensor<64xf32> {
  %0 = delegate.region "llvm"(%x) : (tensor<64xf32>) -> tensor<64xf32> {
  ^bb0(%a: tensor<64xf32>):
    %1 = edge.relu(%a) : (tensor<64xf32>) -> tensor<64xf32>
    delegate.yield %1 : tensor<64xf32>
  }
  func.return %0 : tensor<64xf32>
}

// -----

// Without kernels there is no code.
// CHECK-LABEL: func.func @none
// CHECK-NOT: kernel.code
// CHECK: func.return
func.func @none(%x: tensor<64xf32>) -> tensor<64xf32> {
  func.return %x : tensor<64xf32>
}
