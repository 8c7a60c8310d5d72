module example.org/go-origin

go 1.19
