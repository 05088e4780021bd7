// Checks X-Vestibule-Assertion in Go, with the standard library alone.
//
//	go run check_assertion.go PUBLIC_URL AUDIENCE < assertion
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// Claims is what an app usually wants of an assertion.
type Claims struct {
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	Subject  string `json:"sub"`
	Email    string `json:"email"`
	Org      string `json:"org"`
	Role     string `json:"role"`
	Expires  int64  `json:"exp"`
}

func decode(part string, into any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// key fetches the key with this id. Keep the key set for some minutes in a real app.
func key(publicURL, id string) (ed25519.PublicKey, error) {
	response, err := http.Get(publicURL + "/.vestibule/jwks.json")
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct {
			ID string `json:"kid"`
			X  string `json:"x"`
		} `json:"keys"`
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return nil, err
	}
	for _, one := range set.Keys {
		if one.ID == id {
			raw, err := base64.RawURLEncoding.DecodeString(one.X)
			if err != nil || len(raw) != ed25519.PublicKeySize {
				return nil, errors.New("not an Ed25519 key")
			}
			return raw, nil
		}
	}
	return nil, errors.New("unknown key")
}

// Check gives the claims of a genuine assertion, and an error for any other.
func Check(assertion, publicURL, audience string) (*Claims, error) {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return nil, errors.New("not a JWT")
	}
	var head struct {
		Algorithm string `json:"alg"`
		KeyID     string `json:"kid"`
	}
	if err := decode(parts[0], &head); err != nil {
		return nil, err
	}
	if head.Algorithm != "EdDSA" {
		return nil, fmt.Errorf("algorithm %q", head.Algorithm)
	}
	public, err := key(publicURL, head.KeyID)
	if err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), signature) {
		return nil, errors.New("the signature does not verify")
	}
	var claims Claims
	if err := decode(parts[1], &claims); err != nil {
		return nil, err
	}
	switch {
	case claims.Issuer != publicURL:
		return nil, fmt.Errorf("issuer %q", claims.Issuer)
	case claims.Audience != audience:
		return nil, fmt.Errorf("audience %q", claims.Audience)
	case claims.Expires <= time.Now().Unix():
		return nil, errors.New("expired")
	}
	return &claims, nil
}

func main() {
	assertion, _ := io.ReadAll(os.Stdin)
	claims, err := Check(string(bytes.TrimSpace(assertion)), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(claims)
}
