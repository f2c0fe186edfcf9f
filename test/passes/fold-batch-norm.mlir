// RUN: edge-opt %s -p fold-batch-norm | filecheck %s

// The scale of a channel is gamma / sqrt(var): 2 / 2 and 1 / 0.5; the weight [3, 5] becomes
// [3, 10], the bias [1, 1] becomes (bias - mean) * scale + beta, which is [10, 18].
// CHECK-LABEL: func.func @bias
// CHECK-NEXT: %w = edge.constant #edge.constant<"0x0000404000002041" : tensor<2x1x1xf32>>
// CHECK-NEXT: %cb = edge.constant #edge.constant<"0x0000204100009041" : tensor<2xf32>>
// CHECK-NEXT: %c = edge.convolution(%x, %w, %cb, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1)
// CHECK-NEXT: func.return %c
func.func @bias(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %cb = edge.constant #edge.constant<"0x0000803F0000803F" : tensor<2xf32>> : tensor<2xf32>
  %c = edge.convolution(%x, %w, %cb, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// No bias, no gamma and no beta: the scale is [0.5, 2], the bias -mean * scale.
// CHECK-LABEL: func.func @bare
// CHECK-NEXT: edge.constant #edge.constant<"0x0000C03F00002041" : tensor<2x1x1xf32>>
// CHECK-NEXT: edge.constant #edge.constant<"0x000000BF000080C0" : tensor<2xf32>>
// CHECK-NEXT: edge.convolution
// CHECK-NEXT: func.return
func.func @bare(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// A grouped convolution has its output channels first, too.
// CHECK-LABEL: func.func @grouped
// CHECK-NEXT: edge.constant #edge.constant<"0x0000404000002041" : tensor<2x1x1xf32>>
// CHECK: edge.convolution
// CHECK-NEXT: func.return
func.func @grouped(%x: tensor<1x2x4xf32>) -> tensor<1x2x4xf32> {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 2) : (tensor<1x2x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// A transposed convolution has its output channels second: [1, 2, 1].
// CHECK-LABEL: func.func @transposed
// CHECK-NEXT: edge.constant #edge.constant<"0x0000404000002041" : tensor<1x2x1xf32>>
// CHECK: edge.convolution
// CHECK-NEXT: func.return
func.func @transposed(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<1x2x1xf32>> : tensor<1x2x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = true, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<1x2x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// With groups, second within each group of the first: [2 groups * 2, 1, 1].
// CHECK-LABEL: func.func @transposed_grouped
// CHECK-NEXT: edge.constant #edge.constant<"0x0000803F0000803F0000004000000040" : tensor<4x1x1xf32>>
// CHECK: edge.convolution
// CHECK-NEXT: func.return
func.func @transposed_grouped(%x: tensor<1x4x4xf32>) -> tensor<1x2x4xf32> {
  %w = edge.constant #edge.constant<"0x0000803F0000803F0000803F0000803F" : tensor<4x1x1xf32>> : tensor<4x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = true, output_padding = [0], groups = 2) : (tensor<1x4x4xf32>, tensor<4x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// A linear layer, and two batch norms after each other.
// CHECK-LABEL: func.func @linear
// CHECK-NEXT: edge.constant #edge.constant<"0x000040400000A041" : tensor<2x1xf32>>
// CHECK-NEXT: edge.constant #edge.constant<"0x0000984100005042" : tensor<2xf32>>
// CHECK-NEXT: edge.linear
// CHECK-NEXT: func.return
func.func @linear(%x: tensor<3x1xf32>) -> tensor<3x2xf32> {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1xf32>> : tensor<2x1xf32>
  %cb = edge.constant #edge.constant<"0x0000803F0000803F" : tensor<2xf32>> : tensor<2xf32>
  %c = edge.linear(%x, %w, %cb) : (tensor<3x1xf32>, tensor<2x1xf32>, tensor<2xf32>) -> tensor<3x2xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %d, %mean_1, %rstd_1 = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<3x2xf32>, tensor<0xf32>, tensor<0xf32>)
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%d, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<3x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<3x2xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<3x2xf32>
}

// Not after a linear layer on more dims, whose channels are not the last dim.
// CHECK-LABEL: func.func @linear_3d
// CHECK: edge.linear
// CHECK: edge._native_batch_norm_legit_no_training
func.func @linear_3d(%x: tensor<1x2x1xf32>) -> tensor<1x2x2xf32> {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1xf32>> : tensor<2x1xf32>
  %c = edge.linear(%x, %w) : (tensor<1x2x1xf32>, tensor<2x1xf32>) -> tensor<1x2x2xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x2xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x2xf32>
}

// Not where the convolution has another use.
// CHECK-LABEL: func.func @shared
// CHECK: edge._native_batch_norm_legit_no_training
func.func @shared(%x: tensor<1x1x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0, %c : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// Not where a saved statistic is used.
// CHECK-LABEL: func.func @statistics
// CHECK: edge._native_batch_norm_legit_no_training
func.func @statistics(%x: tensor<1x1x4xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>) {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0, %mean : tensor<1x2x4xf32>, tensor<0xf32>
}

// Not where a parameter is known at run time only.
// CHECK-LABEL: func.func @unknown
// CHECK: edge._native_batch_norm_legit_no_training
func.func @unknown(%x: tensor<1x1x4xf32>, %g: tensor<2xf32>) -> (tensor<1x2x4xf32>) {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// Not where the weight is known at run time only.
// CHECK-LABEL: func.func @weight
// CHECK: edge._native_batch_norm_legit_no_training
func.func @weight(%x: tensor<1x1x4xf32>, %w: tensor<2x1x1xf32>) -> (tensor<1x2x4xf32>) {
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// Not across another operator.
// CHECK-LABEL: func.func @relu
// CHECK: edge._native_batch_norm_legit_no_training
func.func @relu(%x: tensor<1x1x4xf32>) -> (tensor<1x2x4xf32>) {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %r = edge.relu(%c) : (tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%r, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// Not where the variance is zero.
// CHECK-LABEL: func.func @zero
// CHECK: edge._native_batch_norm_legit_no_training
func.func @zero(%x: tensor<1x1x4xf32>) -> (tensor<1x2x4xf32>) {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32>
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000000000000803F" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>)
  func.return %0 : tensor<1x2x4xf32>
}

// The new operations say that they come from both.
// RUN: edge-opt %s -p fold-batch-norm --print-debuginfo | filecheck %s --check-prefix=LOC
// LOC: edge.convolution{{.*}} loc(fused["conv"("m.py":1:0), "norm"("m.py":2:0)])
func.func @located(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %w = edge.constant #edge.constant<"0x000040400000A040" : tensor<2x1x1xf32>> : tensor<2x1x1xf32>
  %c = edge.convolution(%x, %w, stride = [1], padding = [0], dilation = [1], transposed = false, output_padding = [0], groups = 1) : (tensor<1x1x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4xf32> loc("conv"("m.py":1:0))
  %m = edge.constant #edge.constant<"0x0000803F00000040" : tensor<2xf32>> : tensor<2xf32>
  %v = edge.constant #edge.constant<"0x000080400000803E" : tensor<2xf32>> : tensor<2xf32>
  %g = edge.constant #edge.constant<"0x000000400000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x000020410000A041" : tensor<2xf32>> : tensor<2xf32>
  %0, %mean, %rstd = edge._native_batch_norm_legit_no_training(%c, weight = %g, bias = %b, running_mean = %m, running_var = %v, momentum = 0.1, eps = 0.0) : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> (tensor<1x2x4xf32>, tensor<0xf32>, tensor<0xf32>) loc("norm"("m.py":2:0))
  func.return %0 : tensor<1x2x4xf32>
}
