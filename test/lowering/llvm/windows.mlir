// RUN: edge-opt %s -p llvm-kernels{target-cpu=x86-64-v4} | filecheck %s

// Pooling: rows, two at a time; what is fused is in the epilogue.
// CHECK-LABEL: func.func @pooling
func.func @pooling(%x: tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  %0 = delegate.region "llvm"(%x) : (tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>> {
  ^bb0(%a: tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>):
    %1 = edge.max_pool2d(%a, kernel_size = [3, 3], stride = [1, 1], padding = [1, 1]) : (tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
    %2 = edge.relu(%1) : (tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>) -> tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
    delegate.yield %2 : tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
  }
  return %0 : tensor<1x32x9x8xf32, #edge.layout<order = [0, 2, 3, 1]>>
}
// The ninth row, then blocks of two rows.
// CHECK: kernel.func @pool
// CHECK: kernel.for %{{.*}} in 1 {
// CHECK: kernel.stencil {{.*}} {rows = 1 : i64, columns = 8 : i64, channels = 32 : i64
// CHECK: arith.maximumf
// CHECK: kernel.for %{{.*}} in 4 {
// CHECK: kernel.stencil {{.*}} {rows = 2 : i64
// CHECK: kernel.launch @pool({{.*}}) {tasks = 1 : i64}
