// RUN: edge-opt %s --load %S/running_backend.py -p lower-delegates --split-input-file --verify-diagnostics --save-weights %t.safetensors | filecheck %s
// RUN: edge-opt %s --load %S/running_backend.py -p "lower-delegates{limit=7}" --split-input-file --verify-diagnostics --save-weights %t.safetensors | filecheck %s --check-prefix=LIMIT
// RUN: edge-opt %s --load %S/running_backend.py -p "lower-delegates{limit=0}" --split-input-file --verify-diagnostics --save-weights %t.safetensors | filecheck %s --check-prefix=ZERO

// Regions of equal content have one payload; the weights of both are one named data.
// CHECK-LABEL: func.func @equal
// CHECK-NEXT: %0 = delegate.call "numpy" "[[KEY:sha256:[0-9a-f]*]]"(%x) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: %1 = delegate.call "numpy" "[[KEY]]"(%0) : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: func.return %1
// CHECK: memory.named_data "{{[0-9a-f]*}}" "sha256:
// CHECK-NEXT: memory.named_data "edgeir.delegation" "sha256:
func.func @equal(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "numpy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %c = edge.constant #edge.constant<"0x0000803F" : tensor<4xf32>> : tensor<4xf32>
    %2 = edge.add.Tensor(%a, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %2 : tensor<4xf32>
  }
  %1 = delegate.region "numpy"(%0) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %c = edge.constant #edge.constant<"0x0000803F" : tensor<4xf32>> : tensor<4xf32>
    %2 = edge.add.Tensor(%a, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %2 : tensor<4xf32>
  }
  func.return %1 : tensor<4xf32>
}

// -----

// A module without regions stays as it is.
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT: edge.relu
// CHECK-NEXT: func.return
// CHECK-NEXT: }
// CHECK-NEXT: }
func.func @nothing(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = edge.relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
  func.return %0 : tensor<4xf32>
}

// -----

// Options of the backend stay on the call; what it refuses is an error at the region.
// LIMIT: delegate.call "running" "sha256:{{[0-9a-f]*}}"(%x) {options = {limit = "7"}} : (tensor<4xf32>) -> tensor<4xf32>
// ZERO: error: in delegate.region: running: the region has more than 0 operators
func.func @options(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "running"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.neg(%a) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}

// -----

// CHECK: error: in delegate.region: there is no backend 'absent'; there are
func.func @absent(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = delegate.region "absent"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %1 = edge.neg(%a) : (tensor<4xf32>) -> tensor<4xf32>
    delegate.yield %1 : tensor<4xf32>
  }
  func.return %0 : tensor<4xf32>
}
