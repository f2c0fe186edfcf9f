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

// -----

// CHECK: kernel.tile: a_rows and c_rows have one distance for each row
kernel.func @rows(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: each extra has rows and a step
kernel.func @extra_steps(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c extras(%c : !kernel.ptr<f32>) {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %e: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: an extra has 2 rows, as many as the tile
kernel.func @extra_rows(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c extras(%c : !kernel.ptr<f32>) {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [array<i64: 0>], extra_steps = array<i64: 0>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %e: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: the sum begins at the bias or at C, not at both
kernel.func @begin(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c bias(%c : !kernel.ptr<f32>) {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = true, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: the epilogue takes the sum, then the extras
kernel.func @epilogue(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %e: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: the epilogue yields an element of C
kernel.func @yields(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    %b1 = arith.constant true
    kernel.yield %b1 : i1
  }
}

// -----

// CHECK: kernel.winograd_input: tile is one of {{\[}}2, 4{{\]}}
kernel.func @winograd_tile(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.winograd_input %task of %a to %b {tile = 3 : i64, tiles = 3 : i64, channels = 32 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 384, 32>, padding = array<i64: 1, 1>, output_strides = array<i64: 432, 48>} : !kernel.ptr<f32>, !kernel.ptr<f32>
}

// -----

// CHECK: kernel.winograd_input: padding has two numbers
kernel.func @winograd_padding(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.winograd_input %task of %a to %b {tile = 4 : i64, tiles = 3 : i64, channels = 32 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 384, 32>, padding = array<i64: 1>, output_strides = array<i64: 432, 48>} : !kernel.ptr<f32>, !kernel.ptr<f32>
}

// -----

// CHECK: kernel.winograd_output: the output and each extra have strides of rows, columns and channels
kernel.func @winograd_strides(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.winograd_output %task of %a to %b {tile = 2 : i64, channels = 64 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 576, 64>, output_strides = array<i64: 768, 64>, extra_strides = []} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.winograd_output: the epilogue takes the sum, then the extras
kernel.func @winograd_epilogue(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.winograd_output %task of %a to %b {tile = 2 : i64, channels = 64 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 576, 64>, output_strides = array<i64: 768, 64, 1>, extra_strides = []} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %e: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.winograd_output: the epilogue yields an element of the output
kernel.func @winograd_yields(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.winograd_output %task of %a to %b {tile = 2 : i64, channels = 64 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 576, 64>, output_strides = array<i64: 768, 64, 1>, extra_strides = []} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    %b1 = arith.constant true
    kernel.yield %b1 : i1
  }
}

// -----

// CHECK: kernel.tile: prefetch says which rows of ahead are fetched
kernel.func @prefetch(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 4 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.sort: keys are integers, places are i32
kernel.func @sort_keys(%k: !kernel.ptr<f32>, %p: !kernel.ptr<i32>, %task: index) {
  kernel.sort %k, %p, %k, %p {count = 9 : i64, keep = 5 : i64} : !kernel.ptr<f32>, !kernel.ptr<i32>, !kernel.ptr<f32>, !kernel.ptr<i32>
}

// -----

// CHECK: kernel.sort: the room has the types of keys and places
kernel.func @sort_room(%k: !kernel.ptr<i64>, %p: !kernel.ptr<i32>, %task: index) {
  kernel.sort %k, %p, %p, %p {count = 9 : i64, keep = 5 : i64} : !kernel.ptr<i64>, !kernel.ptr<i32>, !kernel.ptr<i32>, !kernel.ptr<i32>
}

// -----

// CHECK: kernel.sort: it keeps from one to all of the keys
kernel.func @sort_keep(%k: !kernel.ptr<i64>, %p: !kernel.ptr<i32>, %task: index) {
  kernel.sort %k, %p, %k, %p {count = 9 : i64, keep = 10 : i64} : !kernel.ptr<i64>, !kernel.ptr<i32>, !kernel.ptr<i64>, !kernel.ptr<i32>
}

// -----

// CHECK: kernel.require: the status is an i32
kernel.func @status(%s: !kernel.ptr<f32>, %task: index) {
  %ok = arith.constant true
  kernel.require %ok, %s : !kernel.ptr<f32>
}
