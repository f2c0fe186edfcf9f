// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: kernel.stencil: stride has two numbers, rows and columns
kernel.func @stride(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.stencil: "mul" is not one of add, max
kernel.func @combination(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "mul"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.stencil: only a sum has weights or a bias
kernel.func @weighted(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x weights(%x : !kernel.ptr<f32>) to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.stencil: the epilogue takes the combined value, then the extras
kernel.func @extras(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x extras(%x : !kernel.ptr<f32>) to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [array<i64: 0, 0, 1>], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.stencil: each extra has strides of rows, columns and channels
kernel.func @extra_strides(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [array<i64: 1, 1>], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.stencil: the epilogue yields an element of the output
kernel.func @result(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f64>, %task: index) {
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max"} : !kernel.ptr<f32>, !kernel.ptr<f64> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.softmax: the mask has strides of rows and columns, the latter 0 or 1
kernel.func @mask_strides(%x: !kernel.ptr<f32>, %f: !kernel.ptr<f32>, %task: index) {
  kernel.softmax %x, %f mask(%x : !kernel.ptr<f32>) {rows = 1 : i64, columns = 8 : i64, stride = 8 : i64, mask_strides = array<i64: 8, 2>} : !kernel.ptr<f32>, !kernel.ptr<f32>
}

// -----

// CHECK: kernel.softmax: a mask holds bools or what the scores are
kernel.func @mask(%x: !kernel.ptr<f32>, %f: !kernel.ptr<f32>, %m: !kernel.ptr<i32>, %task: index) {
  kernel.softmax %x, %f mask(%m : !kernel.ptr<i32>) {rows = 1 : i64, columns = 8 : i64, stride = 8 : i64, mask_strides = array<i64: 8, 1>} : !kernel.ptr<f32>, !kernel.ptr<f32>
}
