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
  // A maximum has nothing of all that; here its input has room for two rows.
  // CHECK: kernel.stencil %{{.*}} of %{{.*}} to %{{.*}} {rows = 1 : i64{{.*}}, combination = "max", ring = 2 : i64}
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max", ring = 2 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32> {
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

// A tile of a product, with everything that it may have, then with nothing.
// CHECK-LABEL: kernel.func @tile
kernel.func @tile(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %n: !kernel.ptr<f32>, %e: !kernel.ptr<f32>, %task: index) {
  // CHECK: kernel.tile %{{.*}}, %{{.*}}, %{{.*}} bias(%{{.*}} : !kernel.ptr<f32>) ahead(%{{.*}} : !kernel.ptr<f32>) extras(%{{.*}} : !kernel.ptr<f32>) {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [array<i64: 0, 1>], extra_steps = array<i64: 0>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 4 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  kernel.tile %a, %b, %c bias(%n : !kernel.ptr<f32>) ahead(%b : !kernel.ptr<f32>) extras(%e : !kernel.ptr<f32>) {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [array<i64: 0, 1>], extra_steps = array<i64: 0>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 4 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %extra: f32):
    %sum = arith.addf %acc, %extra : f32
    kernel.yield %sum : f32
  }
  // CHECK: kernel.tile %{{.*}}, %{{.*}}, %{{.*}} {a_rows
  kernel.tile %a, %b, %c {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// CHECK-LABEL: kernel.func @winograd
kernel.func @winograd(%x: !kernel.ptr<f32>, %v: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %e: !kernel.ptr<f32>, %task: index) {
  // CHECK: kernel.winograd_input %{{.*}} of %{{.*}} to %{{.*}} {tile = 4 : i64, tiles = 3 : i64, channels = 32 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 384, 32>, padding = array<i64: 1, 1>, output_strides = array<i64: 432, 48>} : !kernel.ptr<f32>, !kernel.ptr<f32>
  kernel.winograd_input %task of %x to %v {tile = 4 : i64, tiles = 3 : i64, channels = 32 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 384, 32>, padding = array<i64: 1, 1>, output_strides = array<i64: 432, 48>} : !kernel.ptr<f32>, !kernel.ptr<f32>
  // CHECK: kernel.winograd_output %{{.*}} of %{{.*}} bias(%{{.*}} : !kernel.ptr<f32>) extras(%{{.*}} : !kernel.ptr<f32>) to %{{.*}} {tile = 2 : i64, channels = 64 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 576, 64>, output_strides = array<i64: 768, 64, 1>, extra_strides = [array<i64: 0, 0, 1>]} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  kernel.winograd_output %task of %v bias(%b : !kernel.ptr<f32>) extras(%e : !kernel.ptr<f32>) to %x {tile = 2 : i64, channels = 64 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 576, 64>, output_strides = array<i64: 768, 64, 1>, extra_strides = [array<i64: 0, 0, 1>]} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %extra: f32):
    %sum = arith.addf %acc, %extra : f32
    kernel.yield %sum : f32
  }
}

// CHECK-LABEL: kernel.func @sort
kernel.func @sort(%k: !kernel.ptr<i64>, %p: !kernel.ptr<i32>, %l: !kernel.ptr<i64>, %q: !kernel.ptr<i32>, %task: index) {
  // CHECK: kernel.sort %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {count = 1000 : i64, keep = 5 : i64} : !kernel.ptr<i64>, !kernel.ptr<i32>, !kernel.ptr<i64>, !kernel.ptr<i32>
  kernel.sort %k, %p, %l, %q {count = 1000 : i64, keep = 5 : i64} : !kernel.ptr<i64>, !kernel.ptr<i32>, !kernel.ptr<i64>, !kernel.ptr<i32>
}

// CHECK-LABEL: kernel.func @require
kernel.func @require(%s: !kernel.ptr<i32>, %task: index) {
  %ok = arith.constant true
  // CHECK: kernel.require %{{.*}}, %{{.*}} : !kernel.ptr<i32>
  kernel.require %ok, %s : !kernel.ptr<i32>
}
