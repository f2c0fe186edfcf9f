// RUN: edge-opt %s -p simplify-views | filecheck %s

// A permute that moves unit dims only is a view.
// CHECK-LABEL: func.func @unit_dims
// CHECK-NEXT: %0 = edge.view(%x, size = [3, 1, 4]) : (tensor<1x3x4xf32>) -> tensor<3x1x4xf32>
// CHECK-NEXT: func.return %0
func.func @unit_dims(%x: tensor<1x3x4xf32>) -> tensor<3x1x4xf32> {
  %0 = edge.permute(%x, dims = [1, 0, 2]) : (tensor<1x3x4xf32>) -> tensor<3x1x4xf32>
  func.return %0 : tensor<3x1x4xf32>
}

// One that moves elements stays.
// CHECK-LABEL: func.func @transpose
// CHECK-NEXT: edge.permute(%x, dims = [0, 2, 1])
func.func @transpose(%x: tensor<1x3x4xf32>) -> tensor<1x4x3xf32> {
  %0 = edge.permute(%x, dims = [0, 2, 1]) : (tensor<1x3x4xf32>) -> tensor<1x4x3xf32>
  func.return %0 : tensor<1x4x3xf32>
}

// Heads taken apart and put together again: nothing moves.
// CHECK-LABEL: func.func @heads
// CHECK-NEXT: func.return %x
func.func @heads(%x: tensor<1x16x64xf32>) -> tensor<1x16x64xf32> {
  %0 = edge.view(%x, size = [1, 16, 4, 16]) : (tensor<1x16x64xf32>) -> tensor<1x16x4x16xf32>
  %1 = edge.permute(%0, dims = [0, 2, 1, 3]) : (tensor<1x16x4x16xf32>) -> tensor<1x4x16x16xf32>
  %2 = edge.view(%1, size = [4, 16, 16]) : (tensor<1x4x16x16xf32>) -> tensor<4x16x16xf32>
  %3 = edge.permute(%2, dims = [1, 0, 2]) : (tensor<4x16x16xf32>) -> tensor<16x4x16xf32>
  %4 = edge.view(%3, size = [1, 16, 64]) : (tensor<16x4x16xf32>) -> tensor<1x16x64xf32>
  func.return %4 : tensor<1x16x64xf32>
}

// Two permutes around a view are one.
// CHECK-LABEL: func.func @merge
// CHECK-NEXT: %0 = edge.view(%x, size = [2, 12]) : (tensor<6x4xf32>) -> tensor<2x12xf32>
// CHECK-NEXT: %1 = edge.permute(%0, dims = [1, 0]) : (tensor<2x12xf32>) -> tensor<12x2xf32>
// CHECK-NEXT: %2 = edge.view(%1, size = [3, 4, 2]) : (tensor<12x2xf32>) -> tensor<3x4x2xf32>
// CHECK-NEXT: func.return %2
func.func @merge(%x: tensor<6x4xf32>) -> tensor<3x4x2xf32> {
  %0 = edge.permute(%x, dims = [1, 0]) : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %1 = edge.view(%0, size = [4, 2, 3]) : (tensor<4x6xf32>) -> tensor<4x2x3xf32>
  %2 = edge.permute(%1, dims = [2, 0, 1]) : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  func.return %2 : tensor<3x4x2xf32>
}

// Not if the first permute is needed anyway: one permute is as good as another.
// CHECK-LABEL: func.func @shared
// CHECK-NEXT: edge.permute(%x
// CHECK-NEXT: edge.view(%0
// CHECK-NEXT: edge.permute(%1
func.func @shared(%x: tensor<6x4xf32>) -> (tensor<3x4x2xf32>, tensor<4x6xf32>) {
  %0 = edge.permute(%x, dims = [1, 0]) : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %1 = edge.view(%0, size = [4, 2, 3]) : (tensor<4x6xf32>) -> tensor<4x2x3xf32>
  %2 = edge.permute(%1, dims = [2, 0, 1]) : (tensor<4x2x3xf32>) -> tensor<3x4x2xf32>
  func.return %2, %0 : tensor<3x4x2xf32>, tensor<4x6xf32>
}

// Not if the view mixes elements of both dims: 5 does not divide 4.
// CHECK-LABEL: func.func @mixed
// CHECK-NEXT: edge.permute(%x
// CHECK-NEXT: edge.view(%0
// CHECK-NEXT: edge.permute(%1
func.func @mixed(%x: tensor<5x4xf32>) -> tensor<2x10xf32> {
  %0 = edge.permute(%x, dims = [1, 0]) : (tensor<5x4xf32>) -> tensor<4x5xf32>
  %1 = edge.view(%0, size = [10, 2]) : (tensor<4x5xf32>) -> tensor<10x2xf32>
  %2 = edge.permute(%1, dims = [1, 0]) : (tensor<10x2xf32>) -> tensor<2x10xf32>
  func.return %2 : tensor<2x10xf32>
}

// A view that puts permuted elements together is no view of the source.
// CHECK-LABEL: func.func @heads_together
// CHECK-NEXT: edge.permute
// CHECK-NEXT: edge.view
func.func @heads_together(%x: tensor<1x4x16x8xf32>) -> tensor<1x16x32xf32> {
  %0 = edge.permute(%x, dims = [0, 2, 1, 3]) : (tensor<1x4x16x8xf32>) -> tensor<1x16x4x8xf32>
  %1 = edge.view(%0, size = [1, 16, 32]) : (tensor<1x16x4x8xf32>) -> tensor<1x16x32xf32>
  func.return %1 : tensor<1x16x32xf32>
}

// Sizes known only at run time: heads again.
// CHECK-LABEL: func.func @symbolic
// CHECK-NEXT: func.return %x
func.func @symbolic(%x: tensor<?x16x64xf32, #edge.layout<dims = [s0, 16, 64]>>) -> tensor<?x16x64xf32, #edge.layout<dims = [s0, 16, 64]>> attributes {edge.symbols = {s0 = [1, 8]}} {
  %0 = edge.view(%x, size = #edge.exprs<[16 * s0, 4, 16]>) : (tensor<?x16x64xf32, #edge.layout<dims = [s0, 16, 64]>>) -> tensor<?x4x16xf32, #edge.layout<dims = [16 * s0, 4, 16]>>
  %1 = edge.permute(%0, dims = [1, 0, 2]) : (tensor<?x4x16xf32, #edge.layout<dims = [16 * s0, 4, 16]>>) -> tensor<4x?x16xf32, #edge.layout<dims = [4, 16 * s0, 16]>>
  %2 = edge.permute(%1, dims = [1, 0, 2]) : (tensor<4x?x16xf32, #edge.layout<dims = [4, 16 * s0, 16]>>) -> tensor<?x4x16xf32, #edge.layout<dims = [16 * s0, 4, 16]>>
  %3 = edge.view(%2, size = #edge.exprs<[s0, 16, 64]>) : (tensor<?x4x16xf32, #edge.layout<dims = [16 * s0, 4, 16]>>) -> tensor<?x16x64xf32, #edge.layout<dims = [s0, 16, 64]>>
  func.return %3 : tensor<?x16x64xf32, #edge.layout<dims = [s0, 16, 64]>>
}

// Elementwise operators of one tensor do not stand in the way; the dtype may change.
// CHECK-LABEL: func.func @elementwise
// CHECK-NEXT: %0 = edge.gelu(%x) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xf32>
// CHECK-NEXT: %1 = edge.gt.Scalar(%0, other = 0.5) : (tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xi1>
// CHECK-NEXT: func.return %1
func.func @elementwise(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x8x8xi1> {
  %0 = edge.permute(%x, dims = [0, 2, 3, 1]) : (tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32>
  %1 = edge.gelu(%0) : (tensor<1x8x8x3xf32>) -> tensor<1x8x8x3xf32>
  %2 = edge.gt.Scalar(%1, other = 0.5) : (tensor<1x8x8x3xf32>) -> tensor<1x8x8x3xi1>
  %3 = edge.permute(%2, dims = [0, 3, 1, 2]) : (tensor<1x8x8x3xi1>) -> tensor<1x3x8x8xi1>
  func.return %3 : tensor<1x3x8x8xi1>
}

// Not if the operator's result is used elsewhere: it would be computed twice.
// CHECK-LABEL: func.func @elementwise_shared
// CHECK-NEXT: edge.permute
// CHECK-NEXT: edge.gelu
// CHECK-NEXT: edge.permute
func.func @elementwise_shared(%x: tensor<3x8xf32>) -> (tensor<3x8xf32>, tensor<8x3xf32>) {
  %0 = edge.permute(%x, dims = [1, 0]) : (tensor<3x8xf32>) -> tensor<8x3xf32>
  %1 = edge.gelu(%0) : (tensor<8x3xf32>) -> tensor<8x3xf32>
  %2 = edge.permute(%1, dims = [1, 0]) : (tensor<8x3xf32>) -> tensor<3x8xf32>
  func.return %2, %1 : tensor<3x8xf32>, tensor<8x3xf32>
}

// Operators along a dim are not elementwise.
// CHECK-LABEL: func.func @softmax
// CHECK-NEXT: edge.permute
// CHECK-NEXT: edge._softmax
// CHECK-NEXT: edge.permute
func.func @softmax(%x: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %0 = edge.permute(%x, dims = [1, 0]) : (tensor<3x8xf32>) -> tensor<8x3xf32>
  %1 = edge._softmax(%0, dim = -1, half_to_float = false) : (tensor<8x3xf32>) -> tensor<8x3xf32>
  %2 = edge.permute(%1, dims = [1, 0]) : (tensor<8x3xf32>) -> tensor<3x8xf32>
  func.return %2 : tensor<3x8xf32>
}

// In another dim order a view is not free, and stays.
// CHECK-LABEL: func.func @ordered
// CHECK-NEXT: edge.permute
func.func @ordered(%x: tensor<2x1x4xf32, #edge.layout<order = [2, 0, 1]>>) -> tensor<1x2x4xf32> {
  %0 = edge.permute(%x, dims = [1, 0, 2]) : (tensor<2x1x4xf32, #edge.layout<order = [2, 0, 1]>>) -> tensor<1x2x4xf32>
  func.return %0 : tensor<1x2x4xf32>
}

// Elementwise operators broadcast by themselves.
// CHECK-LABEL: func.func @expand
// CHECK-NEXT: %0 = edge.add.Tensor(%x, %y) : (tensor<1x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
// CHECK-NEXT: func.return %0
func.func @expand(%x: tensor<1x4xf32>, %y: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = edge.expand(%x, size = [3, 4]) : (tensor<1x4xf32>) -> tensor<3x4xf32>
  %1 = edge.add.Tensor(%0, %y) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  func.return %1 : tensor<3x4xf32>
}

// Not if nothing else has the size; nor does the rank change.
// CHECK-LABEL: func.func @expand_both
// CHECK-NEXT: edge.expand
// CHECK-NEXT: edge.mul.Tensor(%0, %0)
// CHECK-NEXT: edge.expand(%y
// CHECK-NEXT: edge.add.Tensor
func.func @expand_both(%x: tensor<1x4xf32>, %y: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<1x4xf32>) {
  %0 = edge.expand(%x, size = [3, 4]) : (tensor<1x4xf32>) -> tensor<3x4xf32>
  %1 = edge.mul.Tensor(%0, %0) : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %2 = edge.expand(%y, size = [1, 4]) : (tensor<4xf32>) -> tensor<1x4xf32>
  %3 = edge.add.Tensor(%2, %y) : (tensor<1x4xf32>, tensor<4xf32>) -> tensor<1x4xf32>
  func.return %1, %3 : tensor<3x4xf32>, tensor<1x4xf32>
}

// Attention broadcasts its mask over batch and heads.
// CHECK-LABEL: func.func @mask
// CHECK-NEXT: edge.scaled_dot_product_attention(%q, %q, %q, %m)
func.func @mask(%q: tensor<2x4x8x16xf32>, %m: tensor<2x1x8x8xi1>) -> tensor<2x4x8x16xf32> {
  %0 = edge.expand(%m, size = [2, 4, 8, 8]) : (tensor<2x1x8x8xi1>) -> tensor<2x4x8x8xi1>
  %1 = edge.scaled_dot_product_attention(%q, %q, %q, %0) : (tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x16xf32>, tensor<2x4x8x8xi1>) -> tensor<2x4x8x16xf32>
  func.return %1 : tensor<2x4x8x16xf32>
}

// Fewer elements are permuted before an expand.
// CHECK-LABEL: func.func @permute_expand
// CHECK-NEXT: %0 = edge.permute(%x, dims = [0, 2, 1]) : (tensor<1x2x3xf32>) -> tensor<1x3x2xf32>
// CHECK-NEXT: %1 = edge.expand(%0, size = [5, 3, 2]) : (tensor<1x3x2xf32>) -> tensor<5x3x2xf32>
func.func @permute_expand(%x: tensor<1x2x3xf32>) -> tensor<5x3x2xf32> {
  %0 = edge.expand(%x, size = [5, 2, 3]) : (tensor<1x2x3xf32>) -> tensor<5x2x3xf32>
  %1 = edge.permute(%0, dims = [0, 2, 1]) : (tensor<5x2x3xf32>) -> tensor<5x3x2xf32>
  func.return %1 : tensor<5x3x2xf32>
}

// A slice within one part of a concatenation, and one that is a whole part.
// CHECK-LABEL: func.func @slice_of_cat
// CHECK-NEXT: %0 = edge.slice.Tensor(%y, start = 1, end = 3) : (tensor<5xf32>) -> tensor<2xf32>
// CHECK-NEXT: func.return %0, %x
func.func @slice_of_cat(%x: tensor<4xf32>, %y: tensor<5xf32>) -> (tensor<2xf32>, tensor<4xf32>) {
  %0 = edge.cat([%x, %y]) : (tensor<4xf32>, tensor<5xf32>) -> tensor<9xf32>
  %1 = edge.slice.Tensor(%0, start = 5, end = 7) : (tensor<9xf32>) -> tensor<2xf32>
  %2 = edge.slice.Tensor(%0, start = 0, end = 4) : (tensor<9xf32>) -> tensor<4xf32>
  func.return %1, %2 : tensor<2xf32>, tensor<4xf32>
}

// Not one across two parts, with a step, or on another dim.
// CHECK-LABEL: func.func @slice_across
// CHECK-COUNT-3: edge.slice.Tensor(%0
func.func @slice_across(%x: tensor<4x6xf32>) -> (tensor<2x6xf32>, tensor<2x6xf32>, tensor<8x2xf32>) {
  %0 = edge.cat([%x, %x]) : (tensor<4x6xf32>, tensor<4x6xf32>) -> tensor<8x6xf32>
  %1 = edge.slice.Tensor(%0, start = 3, end = 5) : (tensor<8x6xf32>) -> tensor<2x6xf32>
  %2 = edge.slice.Tensor(%0, start = 0, end = 4, step = 2) : (tensor<8x6xf32>) -> tensor<2x6xf32>
  %3 = edge.slice.Tensor(%0, dim = 1, start = 0, end = 2) : (tensor<8x6xf32>) -> tensor<8x2xf32>
  func.return %1, %2, %3 : tensor<2x6xf32>, tensor<2x6xf32>, tensor<8x2xf32>
}

// Parts put together as they were: the tensor, or a larger slice of it.
// CHECK-LABEL: func.func @cat_of_slices
// CHECK-NEXT: %0 = edge.slice.Tensor(%x, start = 0, end = 4) : (tensor<6xf32>) -> tensor<4xf32>
// CHECK-NEXT: func.return %x, %0
func.func @cat_of_slices(%x: tensor<6xf32>) -> (tensor<6xf32>, tensor<4xf32>) {
  %0 = edge.slice.Tensor(%x, start = 0, end = 2) : (tensor<6xf32>) -> tensor<2xf32>
  %1 = edge.slice.Tensor(%x, start = 2, end = 4) : (tensor<6xf32>) -> tensor<2xf32>
  %2 = edge.slice.Tensor(%x, start = 4, end = 6) : (tensor<6xf32>) -> tensor<2xf32>
  %3 = edge.cat([%0, %1, %2]) : (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<6xf32>
  %4 = edge.cat([%0, %1]) : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  func.return %3, %4 : tensor<6xf32>, tensor<4xf32>
}

// Halves exchanged stay exchanged.
// CHECK-LABEL: func.func @rotate
// CHECK: edge.cat([%1, %0])
func.func @rotate(%x: tensor<6xf32>) -> tensor<6xf32> {
  %0 = edge.slice.Tensor(%x, start = 0, end = 3) : (tensor<6xf32>) -> tensor<3xf32>
  %1 = edge.slice.Tensor(%x, start = 3, end = 6) : (tensor<6xf32>) -> tensor<3xf32>
  %2 = edge.cat([%1, %0]) : (tensor<3xf32>, tensor<3xf32>) -> tensor<6xf32>
  func.return %2 : tensor<6xf32>
}

// Equal elements are equal in any place.
// CHECK-LABEL: func.func @full
// CHECK-NEXT: %0 = edge.full(size = [3, 4], fill_value = 1.0, dtype = f32) : () -> tensor<3x4xf32>
// CHECK-NEXT: func.return %0
func.func @full() -> tensor<3x4xf32> {
  %0 = edge.full(size = [1, 3], fill_value = 1.0, dtype = f32) : () -> tensor<1x3xf32>
  %1 = edge.permute(%0, dims = [1, 0]) : (tensor<1x3xf32>) -> tensor<3x1xf32>
  %2 = edge.expand(%1, size = [3, 4]) : (tensor<3x1xf32>) -> tensor<3x4xf32>
  func.return %2 : tensor<3x4xf32>
}
