// RUN: edge-opt %s -p fold-constants,convert-edge-to-memory,plan-memory,externalize-weights,verify-memory --save-weights %t.safetensors | filecheck %s

// A weight is read from the data file under its key; one whose shape differs has a name of its own.
// CHECK-LABEL: memory.method @weight
// CHECK: memory.external "[[KEY:sha256:[0-9a-f]+]]" : !memory.slot<tensor<66xi64>>
// CHECK: memory.external "[[KEY]]:2x33xi64" : !memory.slot<tensor<2x33xi64>>
// CHECK-NOT: memory.constant "
func.func @weight(%x: tensor<66xi64>, %y: tensor<2x33xi64>) -> (tensor<66xi64>, tensor<2x33xi64>) {
  %0 = edge.arange.start_step(start = 0, end = 66, dtype = i64) : () -> tensor<66xi64>
  %1 = edge.add.Tensor(%x, %0) : (tensor<66xi64>, tensor<66xi64>) -> tensor<66xi64>
  %2 = edge.view(%0, size = [2, 33]) : (tensor<66xi64>) -> tensor<2x33xi64>
  %3 = edge.add.Tensor(%y, %2) : (tensor<2x33xi64>, tensor<2x33xi64>) -> tensor<2x33xi64>
  func.return %1, %3 : tensor<66xi64>, tensor<2x33xi64>
}

// Constants in the text stay in the program.
// CHECK-LABEL: memory.method @small
// CHECK: memory.constant #edge.constant<"0x0000803F" : tensor<2xf32>>
func.func @small(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = edge.constant #edge.constant<"0x0000803F" : tensor<2xf32>> : tensor<2xf32>
  %0 = edge.add.Tensor(%x, %a) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  func.return %0 : tensor<2xf32>
}

// What delegates look up by name, but for the table that our own tools read.
// CHECK: memory.named_data "sha256:12ab" "sha256:12ab" external
// CHECK: memory.named_data "edgeir.delegation" "sha256:34cd"{{$}}
memory.named_data "sha256:12ab" "sha256:12ab"
memory.named_data "edgeir.delegation" "sha256:34cd"
