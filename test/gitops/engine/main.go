// Command engine asks Argo CD's own gitops-engine how objects stand, with a Lua script of ours as the override that Argo CD gives
// it: `engine health.lua < OBJECTS.json`, a list, of which it prints the list of healths.
//
// The script runs by gopher-lua with the libraries that Argo CD opens for it, as in the program beside this one.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	luajson "layeh.com/gopher-json"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var objects []map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&objects); err != nil {
		return err
	}
	answers := make([]*health.HealthStatus, 0, len(objects))
	for _, object := range objects {
		answer, err := health.GetResourceHealth(&unstructured.Unstructured{Object: object}, script(text))
		if err != nil {
			return err
		}
		answers = append(answers, answer)
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// script is a health override.
type script string

func (s script) GetResourceHealth(object *unstructured.Unstructured) (*health.HealthStatus, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), NRet: 0, Protect: true}, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	state.SetGlobal("obj", luajson.DecodeValue(state, object.Object))
	if err := state.DoString(string(s)); err != nil {
		return nil, err
	}
	encoded, err := luajson.Encode(state.Get(-1))
	if err != nil {
		return nil, err
	}
	var answer health.HealthStatus
	return &answer, json.Unmarshal(encoded, &answer)
}
