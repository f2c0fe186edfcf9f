// RUN: edge-opt %s -p fold-constants --split-input-file --verify-diagnostics --save-weights %t.safetensors | filecheck %s

// Constants are computed as the interpreter does: 1 + 2 = 3, and a transpose.
// CHECK-LABEL: func.func @small
// CHECK-NEXT: %0 = edge.constant #edge.constant<"0x00004040" : tensor<2xf32>> : tensor<2xf32>
// CHECK-NEXT: %1 = edge.constant #edge.constant<"0x0100000003000000020000000400000005000000060000000700000008000000" : tensor<4x2xi32>>
// CHECK-NEXT: func.return
func.func @small() -> (tensor<2xf32>, tensor<4x2xi32>) {
  %a = edge.constant #edge.constant<"0x0000803F" : tensor<2xf32>> : tensor<2xf32>
  %b = edge.constant #edge.constant<"0x00000040" : tensor<2xf32>> : tensor<2xf32>
  %c = edge.constant #edge.constant<"0x0100000002000000050000000700000003000000040000000600000008000000" : tensor<2x4xi32>> : tensor<2x4xi32>
  %0 = edge.add.Tensor(%a, %b) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = edge.permute(%c, dims = [1, 0]) : (tensor<2x4xi32>) -> tensor<4x2xi32>
  func.return %0, %1 : tensor<2xf32>, tensor<4x2xi32>
}

// Chains are folded, through views and from operators without operands.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %0 = edge.constant #edge.constant<"0x0000000000000000030000000000000006000000000000000900000000000000" : tensor<2x2xi64>>
// CHECK-NEXT: func.return %0
func.func @chain() -> tensor<2x2xi64> {
  %0 = edge.arange.start_step(start = 0, end = 4, dtype = i64) : () -> tensor<4xi64>
  %1 = edge.view(%0, size = [2, 2]) : (tensor<4xi64>) -> tensor<2x2xi64>
  %2 = edge.mul.Scalar(%1, other = 3) : (tensor<2x2xi64>) -> tensor<2x2xi64>
  func.return %2 : tensor<2x2xi64>
}

// More than 64 elements go to the weights store, under the hash of their content.
// CHECK-LABEL: func.func @weight
// CHECK-NEXT: %0 = edge.weight "sha256:{{[0-9a-f]+}}" : tensor<65xi64>
// CHECK-NEXT: func.return %0
func.func @weight() -> tensor<65xi64> {
  %0 = edge.arange.start_step(start = 0, end = 65, dtype = i64) : () -> tensor<65xi64>
  func.return %0 : tensor<65xi64>
}

// What depends on an input is computed at run time.
// CHECK-LABEL: func.func @input
// CHECK: edge.add.Tensor(%x, %a)
func.func @input(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = edge.constant #edge.constant<"0x0000803F" : tensor<2xf32>> : tensor<2xf32>
  %0 = edge.add.Tensor(%x, %a) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %0 : tensor<2xf32>
}

// So is what would make the program much larger, and what is drawn at random.
// CHECK-LABEL: func.func @large
// CHECK: edge.expand
// CHECK-NEXT: edge.rand
func.func @large() -> (tensor<1024x1024xf32>, tensor<4xf32>) {
  %a = edge.constant #edge.constant<"0x0000803F" : tensor<1xf32>> : tensor<1xf32>
  %0 = edge.expand(%a, size = [1024, 1024]) : (tensor<1xf32>) -> tensor<1024x1024xf32>
  %1 = edge.rand(size = [4], dtype = f32) : () -> tensor<4xf32>
  func.return %0, %1 : tensor<1024x1024xf32>, tensor<4xf32>
}

// In branches and loops, too.
// CHECK-LABEL: func.func @region
// CHECK: edge.cond
// CHECK-NEXT: edge.constant #edge.constant<"0x0000803F" : tensor<2xf32>> : tensor<2xf32>
// CHECK-NEXT: edge.add.Tensor
func.func @region(%p: i1, %x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = edge.constant #edge.constant<"0x000080BF" : tensor<2xf32>> : tensor<2xf32>
  %1 = edge.cond(%p) : (i1) -> tensor<2xf32> {
    %2 = edge.neg(%0) : (tensor<2xf32>) -> tensor<2xf32>
    %3 = edge.add.Tensor(%x, %2) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    edge.yield %3 : tensor<2xf32>
  } else {
    edge.yield %x : tensor<2xf32>
  }
  func.return %1 : tensor<2xf32>
}

// -----

// What the kernel refuses is refused here, with its place.
// CHECK: m.py:3: error: in net (edge.index_select): cannot be run: index_select: index 7 is out of range for size 2
func.func @out_of_range(%x: tensor<1xf32>) -> tensor<1xf32> {
  %w = edge.constant #edge.constant<"0x0000803F" : tensor<2xf32>> : tensor<2xf32>
  %i = edge.constant #edge.constant<"0x0700000000000000" : tensor<1xi64>> : tensor<1xi64>
  %0 = edge.index_select(%w, %i, dim = 0) : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32> loc("net"("m.py":3:0))
  func.return %0 : tensor<1xf32>
}
