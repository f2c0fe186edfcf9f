// RUN: edge-opt %s --split-input-file --verify-diagnostics | filecheck %s

// CHECK: kernel.stencil: stride has two numbers, of rows and columns
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

// CHECK: kernel.stencil: 2 rows are read, more than the ring has
kernel.func @ring(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "max", ring = 1 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32> {
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

// CHECK: kernel.stencil: the epilogue must take (f32, f32) and yield (f32), not (f32) and (f32)
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

// CHECK: kernel.stencil: the epilogue must take (f32) and yield (f64), not (f32) and (f32)
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

// CHECK: kernel.tile: the epilogue must take (f32) and yield (f32), not (f32, f32) and (f32)
kernel.func @epilogue(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.tile %a, %b, %c {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %e: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: the epilogue must take (f32) and yield (f32), not (f32) and (i1)
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

// CHECK: kernel.winograd_output: the epilogue must take (f32) and yield (f32), not (f32, f32) and (f32)
kernel.func @winograd_epilogue(%a: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %c: !kernel.ptr<f32>, %task: index) {
  kernel.winograd_output %task of %a to %b {tile = 2 : i64, channels = 64 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 576, 64>, output_strides = array<i64: 768, 64, 1>, extra_strides = []} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32, %e: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.winograd_output: the epilogue must take (f32) and yield (f32), not (f32) and (i1)
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

// -----

// CHECK: kernel.ptr: index is not one of f16, bf16, f32, f64, i1, i8, i16, i32, i64
kernel.func @pointer(%x: !kernel.ptr<index>, %task: index) {
}

// -----

// CHECK: kernel.func: all arguments but the last are pointers
kernel.func @arguments(%x: f32, %task: index) {
}

// -----

// CHECK: kernel.func: the body yields nothing
kernel.func @yields(%task: index) {
  kernel.yield %task : index
}

// -----

// CHECK: kernel.for: the body yields nothing
kernel.func @case_3(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.for %i in 4 {
    kernel.yield %i : index
  }
}

// -----

// CHECK: kernel.delinearize: sizes must be 1 or more
kernel.func @case_4(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  %a, %b = kernel.delinearize %task {sizes = array<i64: 2, 0>} : index, index
}

// -----

// CHECK: kernel.load: the result is an element, or an integer as index
kernel.func @case_5(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  %a = kernel.load %x : !kernel.ptr<f32> -> index
}

// -----

// CHECK: kernel.map: shape must be 0 or more, not -4
kernel.func @case_6(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.map ins(%x : !kernel.ptr<f32>) outs(%y : !kernel.ptr<f32>) {shape = array<i64: -4>, input_strides = [array<i64: 1>], output_strides = [array<i64: 1>], reductions = []} body {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
}

// -----

// CHECK: kernel.map: strides need 1 numbers, one for each dim
kernel.func @case_7(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.map ins(%x : !kernel.ptr<f32>) outs(%y : !kernel.ptr<f32>) {shape = array<i64: 4>, input_strides = [array<i64: 1, 1>], output_strides = [array<i64: 1>], reductions = []} body {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
}

// -----

// CHECK: kernel.map: the body must take (f32) and yield (f32), not (f64) and (f64)
kernel.func @case_8(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.map ins(%x : !kernel.ptr<f32>) outs(%y : !kernel.ptr<f32>) {shape = array<i64: 4>, input_strides = [array<i64: 1>], output_strides = [array<i64: 1>], reductions = []} body {
  ^bb0(%a: f64):
    kernel.yield %a : f64
  }
}

// -----

// CHECK: kernel.window: the body must end with kernel.yield
kernel.func @case_9(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.window ins(%x : !kernel.ptr<f32>) out(%y : !kernel.ptr<f32>) {shape = array<i64: 4>, window = array<i64: 2>, input_strides = [array<i64: 1, 4>], extra_strides = [], output_strides = array<i64: 1>, combination = "add"} body {
  ^bb0(%a: f32):
    delegate.yield %a : f32
  } finish {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
}

// -----

// CHECK: kernel.window: "mean" is not one of add, mul, max, min
kernel.func @case_10(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.window ins(%x : !kernel.ptr<f32>) out(%y : !kernel.ptr<f32>) {shape = array<i64: 4>, window = array<i64: 2>, input_strides = [array<i64: 1, 4>], extra_strides = [], output_strides = array<i64: 1>, combination = "mean"} body {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  } finish {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
}

// -----

// CHECK: kernel.window: window must be 0 or more, not -2
kernel.func @case_11(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.window ins(%x : !kernel.ptr<f32>) out(%y : !kernel.ptr<f32>) {shape = array<i64: 4>, window = array<i64: -2>, input_strides = [array<i64: 1, 4>], extra_strides = [], output_strides = array<i64: 1>, combination = "add"} body {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  } finish {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
}

// -----

// CHECK: kernel.softmax: columns must be 1 or more, not 0
kernel.func @case_12(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.softmax %x, %y {rows = 1 : i64, columns = 0 : i64, stride = 8 : i64, mask_strides = array<i64: 8, 1>} : !kernel.ptr<f32>, !kernel.ptr<f32>
}

// -----

// CHECK: kernel.softmax: factors must point to f32, not to f64
kernel.func @case_13(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f64>, %task: index) {
  kernel.softmax %x, %y {rows = 1 : i64, columns = 8 : i64, stride = 8 : i64, mask_strides = array<i64: 8, 1>} : !kernel.ptr<f32>, !kernel.ptr<f64>
}

// -----

// CHECK: kernel.stencil: channels must be 1 or more, not 0
kernel.func @case_14(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 0 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "add"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.stencil: stride must be 1 or more, not 0
kernel.func @case_15(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.stencil %task of %x to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 0, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "add"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.stencil: weights must point to f32, not to f64
kernel.func @case_16(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %w: !kernel.ptr<f64>, %task: index) {
  kernel.stencil %task of %x weights(%w : !kernel.ptr<f64>) to %y {rows = 1 : i64, columns = 7 : i64, channels = 32 : i64, size = array<i64: 14, 14>, input_strides = array<i64: 448, 32>, output_strides = array<i64: 224, 32>, extra_strides = [], window = array<i64: 2, 2>, stride = array<i64: 2, 2>, dilation = array<i64: 1, 1>, padding = array<i64: 0, 0>, combination = "add"} : !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: b must point to f32, not to f64
kernel.func @case_17(%x: !kernel.ptr<f32>, %b: !kernel.ptr<f64>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.tile %x, %b, %y {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f64>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: columns must be 1 or more, not 0
kernel.func @case_18(%x: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.tile %x, %b, %y {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 0 : i64, chunks = [array<i64: 3, 512>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: depth must be 0 or more, not -1
kernel.func @case_19(%x: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.tile %x, %b, %y {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3, 512>], depth = -1 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.tile: each of the chunks is a count and a stride in A
kernel.func @case_20(%x: !kernel.ptr<f32>, %b: !kernel.ptr<f32>, %y: !kernel.ptr<f32>, %task: index) {
  kernel.tile %x, %b, %y {a_rows = array<i64: 0, 64>, c_rows = array<i64: 0, 96>, extra_rows = [], extra_steps = array<i64>, columns = 32 : i64, chunks = [array<i64: 3>], depth = 24 : i64, a_step = 1 : i64, b_step = 32 : i64, c_step = 1 : i64, accumulate = false, prefetch = 0 : i64} : !kernel.ptr<f32>, !kernel.ptr<f32>, !kernel.ptr<f32> {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  }
}

// -----

// CHECK: kernel.winograd_input: output must point to f32, not to f64
kernel.func @case_21(%x: !kernel.ptr<f32>, %y: !kernel.ptr<f64>, %task: index) {
  kernel.winograd_input %task of %x to %y {tile = 4 : i64, tiles = 3 : i64, channels = 32 : i64, size = array<i64: 12, 12>, input_strides = array<i64: 384, 32>, padding = array<i64: 1, 1>, output_strides = array<i64: 432, 48>} : !kernel.ptr<f32>, !kernel.ptr<f64>
}

// -----

// CHECK: kernel.argument: the program has 2 inputs and outputs
func.func @f(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = kernel.program(%a) {arena = 64 : i64, scratch = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32> {
    kernel.func @relu(%x: !kernel.ptr<f32>, %task: index) {
    }
    %0 = kernel.argument {index = 2 : i64} : !kernel.ptr<f32>
  }
  func.return %y : tensor<8xf32>
}

// -----

// CHECK: kernel.arena: the offset is outside of the arena
func.func @f(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = kernel.program(%a) {arena = 64 : i64, scratch = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32> {
    kernel.func @relu(%x: !kernel.ptr<f32>, %task: index) {
    }
    %0 = kernel.arena {offset = 128 : i64} : !kernel.ptr<f32>
  }
  func.return %y : tensor<8xf32>
}

// -----

// CHECK: kernel.launch: the program has no kernel @gelu
func.func @f(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = kernel.program(%a) {arena = 64 : i64, scratch = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32> {
    kernel.func @relu(%x: !kernel.ptr<f32>, %task: index) {
    }
    %0 = kernel.argument {index = 0 : i64} : !kernel.ptr<f32>
    kernel.launch @gelu(%0) {tasks = 1 : i64} : !kernel.ptr<f32>
  }
  func.return %y : tensor<8xf32>
}

// -----

// CHECK: kernel.launch: @relu takes (!kernel.ptr<f32>) and the task
func.func @f(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = kernel.program(%a) {arena = 64 : i64, scratch = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32> {
    kernel.func @relu(%x: !kernel.ptr<f32>, %task: index) {
    }
    %0 = kernel.argument {index = 0 : i64} : !kernel.ptr<f64>
    kernel.launch @relu(%0) {tasks = 1 : i64} : !kernel.ptr<f64>
  }
  func.return %y : tensor<8xf32>
}

// -----

// CHECK: kernel.launch: tasks must be 1 or more
func.func @f(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = kernel.program(%a) {arena = 64 : i64, scratch = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32> {
    kernel.func @relu(%x: !kernel.ptr<f32>, %task: index) {
    }
    %0 = kernel.argument {index = 0 : i64} : !kernel.ptr<f32>
    kernel.launch @relu(%0) {tasks = 0 : i64} : !kernel.ptr<f32>
  }
  func.return %y : tensor<8xf32>
}

// -----

// CHECK: kernel.program: kernel.load cannot stand in it
func.func @f(%a: tensor<8xf32>) -> tensor<8xf32> {
  %y = kernel.program(%a) {arena = 64 : i64, scratch = 0 : i64} : (tensor<8xf32>) -> tensor<8xf32> {
    kernel.func @relu(%x: !kernel.ptr<f32>, %task: index) {
    }
    %0 = kernel.argument {index = 0 : i64} : !kernel.ptr<f32>
    %1 = kernel.load %0 : !kernel.ptr<f32> -> f32
  }
  func.return %y : tensor<8xf32>
}

// -----

// CHECK: kernel.copy: the place needs 1 strides, one for each dim
func.func @place(%a: tensor<8xf32>) -> tensor<8xf32> {
  %0 = kernel.copy %a at #kernel.place<argument 1 + 0 strides [8, 1]> : tensor<8xf32>
  func.return %0 : tensor<8xf32>
}

// -----

// CHECK: kernel.copy: the halo needs 1 pairs, one for each dim
func.func @halo(%a: tensor<8xf32>) -> tensor<8xf32> {
  %0 = kernel.copy %a at #kernel.place<argument 1 + 0 strides [1] halo [1 1, 0 0]> : tensor<8xf32>
  func.return %0 : tensor<8xf32>
}
