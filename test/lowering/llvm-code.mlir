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

// -----

// Constants of half precision are exact or rounded to the nearest.
// IR-LABEL: func.func @halves
// IR: store <8 x half> splat (half 0x{{H}}3C00)
// IR: store <8 x bfloat> splat (bfloat 0x{{R}}3DCD)
func.func @halves(%x: tensor<8xf16>) -> tensor<8xbf16> {
  %0 = kernel.program(%x) {arena = 0 : i64, scratch = 0 : i64} : (tensor<8xf16>) -> tensor<8xbf16> {
    kernel.func @constants(%a: !kernel.ptr<f16>, %b: !kernel.ptr<bf16>, %task: index) {
      kernel.map outs(%a, %b : !kernel.ptr<f16>, !kernel.ptr<bf16>) {shape = array<i64: 8>, input_strides = [], output_strides = [array<i64: 1>, array<i64: 1>], reductions = []} body {
        %1 = arith.constant 1.0 : f16
        %2 = arith.constant 1.0e-1 : bf16
        kernel.yield %1, %2 : f16, bf16
      }
    }
  }
  func.return %0 : tensor<8xbf16>
}
