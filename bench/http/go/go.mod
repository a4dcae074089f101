module holdfast.dev/bench

go 1.25
