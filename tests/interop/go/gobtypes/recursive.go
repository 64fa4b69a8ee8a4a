package gobtypes

// Node is a list of nodes.
type Node struct {
	Value int
	Next  *Node
}

// Tree has lists of itself.
type Tree struct {
	Value    int
	Children []Tree
}

// Dir has maps of itself.
type Dir struct {
	Files []string
	Sub   map[string]Dir
}

// Ping and Pong have one another.
type Ping struct {
	N    int
	Pong *Pong
}

// Pong is the other of the two.
type Pong struct {
	S    string
	Ping *Ping
}

// Rose is lists all the way down.
type Rose []Rose

// Shape of a Tree.
type Shape struct{ Nodes, Depth, Total int }

// NewTree gives a tree of that depth, with children numbered from 1 and each node's number as its value.
func NewTree(depth, value int) Tree {
	tree := Tree{Value: value}
	for i := 1; depth > 1 && i <= 2; i++ {
		tree.Children = append(tree.Children, NewTree(depth-1, 2*value+i))
	}
	return tree
}

// Shape counts.
func (t Tree) Shape() Shape {
	shape := Shape{Nodes: 1, Depth: 1, Total: t.Value}
	for _, child := range t.Children {
		s := child.Shape()
		shape.Nodes += s.Nodes
		shape.Total += s.Total
		if s.Depth >= shape.Depth {
			shape.Depth = s.Depth + 1
		}
	}
	return shape
}

// NewNode gives a list of n nodes, n first.
func NewNode(n int) *Node {
	var list *Node
	for i := 1; i <= n; i++ {
		list = &Node{i, list}
	}
	return list
}
