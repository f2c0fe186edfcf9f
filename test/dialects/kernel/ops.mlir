// RUN: edge-opt %s | edge-opt | filecheck %s
// RUN: edge-opt %s --print-op-generic | edge-opt | filecheck %s

// Windows with everything that they may have: weights, a bias, a row for what is outside, extras.
// CHECK-LABEL: kernel.func @stencil
kernel.func @stencil(%x: !kernel.ptr<f32>, %w: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %z: !kernel.ptr<f32>, %e: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  // CHECK: kernel.stencil %{{.*}} of %{{.*}} weights(%{{.*}} : !kernel.ptr<f32>) bias(%{{.*}} : !kernel.ptr<f32>) outside(%{{.*}} : !kernel.ptr<f32>) extras(%{{.*}} : !kernel.ptr<f32>) to %{{.*}} {rows = 2 : i64, columns = 14 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 448, 32>, extra_strides = [array<i64: 0, 0, 1>], window = array<i64: 3, 3>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, padding = array<i64: 1, 1>, combination = "add"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  kernel.stencil %task of %x weights(%w : !kernel.ptr<f32>) bias(%b : !kernel.ptr<f32>) outside(%z : !kernel.ptr<f32>) extras(%e : !kernel.ptr<f32>) to %y {rows = 2 : i64, columns = 14 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 448, 32>, extra_strides = [array<i64: 0, 0, 1>], window = array<i64: 3, 3>, stride = array<i64: 1, 1>, dilation = array<i64: 1, 1>, padding = array<i64: 1, 1>, combination = "add"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %extra: f32):
    %sum = arith.addf %acc, %extra : f32
    kernel.yield %sum : f32
  }
  // A maximum has nothing of all that.
  // CHECK: kernel.stencil %{{.*}} of %{{.*}} to %{{.*}} {rows = 1 : i64
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// CHECK-LABEL: kernel.func @softmax
kernel.func @softmax(%x: !kernel.ptr<f32>, %f: !kernel.ptr<f32>, %m: !kernel.ptr<i1>, %task: index) {
  // CHECK: kernel.softmax %{{.*}}, %{{.*}} mask(%{{.*}} : !kernel.ptr<i1>) visible(%{{.*}}) {rows = 12 : i64, columns = 197 : i64, stride = 224 : i64, mask_strides = array<i64: 197, 1>} : !kernel.ptr<f32>, !kernel.ptr<f32>
  kernel.softmax %x, %f mask(%m : !kernel.ptr<i1>) visible(%task) {rows = 12 : i64, columns = 197 : i64, stride = 224 : i64, mask_strides = array<i64: 197, 1>} : !kernel.ptr<f32>, !kernel.ptr<f32>
  // CHECK: kernel.softmax %{{.*}}, %{{.*}} {rows = 1 : i64
  kernel.softmax %x, %f {rows = 1 : i64, columns = 8 : i64, stride = 8 : i64, mask_strides = array<i64: 0, 0>} : !kernel.ptr<f32>, !kernel.ptr<f32>
}
