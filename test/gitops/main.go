// Command gitops does what the tools of others do with an object, for the tests: what kstatus makes of its status, what a Lua
// script of Argo CD makes of it, and whether a health expression of Flux holds. It reads one JSON document from standard input
// and prints one.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/cel-go/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	luajson "layeh.com/gopher-json"
)

type question struct {
	Object object            `json:"object"`
	Lua    string            `json:"lua"`
	Params map[string]string `json:"params"`
	CEL    string            `json:"cel"`
}

// object has whole numbers as whole numbers, as clients of Kubernetes have them.
type object map[string]any

func (o *object) UnmarshalJSON(text []byte) error {
	var fields map[string]any
	if err := utiljson.Unmarshal(text, &fields); err != nil {
		return err
	}
	*o = fields
	return nil
}

func main() {
	var asked []question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		fail(err)
	}
	answers := make([]any, 0, len(asked))
	for _, one := range asked {
		answer, err := answerTo(one)
		if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		answers = append(answers, answer)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func answerTo(asked question) (any, error) {
	switch {
	case asked.Lua != "":
		return runLua(asked)
	case asked.CEL != "":
		return runCEL(asked)
	default:
		result, err := status.Compute(&unstructured.Unstructured{Object: asked.Object})
		if err != nil {
			return nil, err
		}
		return map[string]any{"status": result.Status, "message": result.Message}, nil
	}
}

// runLua gives a script what Argo CD gives one (util/lua/lua.go of argo-cd 3.5): the base, package and table libraries, an os
// library that tells the time, a second, the object as obj and the parameters of an action as actionParams. String functions
// are there for scripts that are built in only, so there are none here.
func runLua(asked question) (any, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.OsLibName, openSafeOS}} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}, lua.LString(library.name)); err != nil {
			return nil, err
		}
	}
	state.PreloadModule(lua.OsLibName, func(state *lua.LState) int { return openSafeOS(state) })
	limit, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(limit)
	params := state.CreateTable(0, len(asked.Params))
	for name, value := range asked.Params {
		params.RawSetString(name, lua.LString(value))
	}
	state.SetGlobal("actionParams", params)
	state.SetGlobal("obj", luajson.DecodeValue(state, plain(asked.Object)))
	if err := state.DoString(asked.Lua); err != nil {
		return nil, err
	}
	encoded, err := luajson.Encode(state.Get(-1))
	if err != nil {
		return nil, err
	}
	var result any
	err = json.Unmarshal(encoded, &result)
	return result, err
}

// plain has every number as Lua has it.
func plain(value any) any {
	switch value := value.(type) {
	case object:
		return plain(map[string]any(value))
	case map[string]any:
		fields := make(map[string]any, len(value))
		for name, field := range value {
			fields[name] = plain(field)
		}
		return fields
	case []any:
		items := make([]any, 0, len(value))
		for _, item := range value {
			items = append(items, plain(item))
		}
		return items
	case int64:
		return float64(value)
	default:
		return value
	}
}

func openSafeOS(state *lua.LState) int {
	now := func(state *lua.LState) int { state.Push(lua.LNumber(time.Now().Unix())); return 1 }
	functions := map[string]lua.LGFunction{"time": now}
	state.Push(state.RegisterModule(lua.OsLibName, functions))
	return 1
}

// runCEL evaluates as Flux's kustomize-controller does: each part of an object is a variable of any type.
func runCEL(asked question) (any, error) {
	options := []cel.EnvOption{}
	for _, name := range []string{"apiVersion", "kind", "metadata", "spec", "status"} {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	tree, issues := env.Compile(asked.CEL)
	if issues.Err() != nil {
		return nil, issues.Err()
	}
	program, err := env.Program(tree)
	if err != nil {
		return nil, err
	}
	value, _, err := program.Eval(map[string]any(asked.Object))
	if err != nil {
		return nil, err
	}
	return map[string]any{"holds": value.Value()}, nil
}
