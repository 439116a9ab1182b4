// A stand-in for the program that the example repository holds under this name.
package main

import (
	"fmt"
	"strings"
)

func main() {
	fmt.Println(strings.Join([]string{"Hello,", "Go", "examples!"}, " "))
}
