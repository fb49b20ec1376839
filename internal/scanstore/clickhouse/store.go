// Package clickhouse is the scan store of a cluster, and a tracing source on it.
//
// The schema and the queries stay inside what servers from 18.16 on speak. Reads tolerate rows that stand more than once,
// as retried inserts leave them until they are merged.
//
// The tables are either those of one server, or they lie on every server of a cluster of the servers' remote_servers: then
// each server holds its part of table t as t_local, and t itself is Distributed over all of them. Whoever reads or inserts
// names t and cannot tell; migrations says how a table is declared.
package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/truyvet/truyvet/internal/scanstore"
)

// Store implements scanstore.Reader, scanstore.Writer and scanstore.Dropper on one database. It is safe for concurrent
// use. Every error may be met by trying again; an unreachable server shows within seconds.
type Store struct {
	conn    driver.Conn
	options clickhouse.Options
	cluster string // of the servers; "" for one server

	stretchRows uint64 // a test has it smaller than it is
}

var (
	_ scanstore.Reader  = (*Store)(nil)
	_ scanstore.Writer  = (*Store)(nil)
	_ scanstore.Dropper = (*Store)(nil)
	_ scanstore.Holding = (*Store)(nil)
)

// Open makes a store on clickhouse://user:password@host:port/database, with further hosts after commas. It does not wait
// for the server. With the name of a cluster the hosts are some of its servers; the others are reached as the servers
// name them, as the same user.
func Open(address, cluster string) (*Store, error) {
	o, err := clickhouse.ParseDSN(address)
	if err != nil {
		// The address may hold a password, which the error would show.
		return nil, errors.New("the address of ClickHouse is not of the form clickhouse://user:password@host:port/database")
	}
	if o.Protocol != clickhouse.Native {
		return nil, errors.New("the address of ClickHouse is not one of the native protocol, clickhouse://")
	}
	if o.Auth.Database == "" {
		return nil, errors.New("the address of ClickHouse names no database")
	}
	o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	return OpenWith(o, cluster)
}

// OpenWith makes a store on what the options of the driver say, which may be any protocol that it has. They are not
// changed.
func OpenWith(options *clickhouse.Options, cluster string) (*Store, error) {
	if !plainName.MatchString(options.Auth.Database) {
		return nil, errors.New("the name of the database holds other than letters, digits and underscores")
	}
	if cluster != "" && !plainName.MatchString(cluster) {
		return nil, errors.New("the name of the cluster holds other than letters, digits and underscores")
	}
	o := *options
	o.DialTimeout = 5 * time.Second
	o.ReadTimeout = 2 * time.Minute
	o.Settings = maps.Clone(o.Settings)
	if o.Settings == nil {
		o.Settings = make(clickhouse.Settings)
	}
	maps.Copy(o.Settings, clickhouse.Settings{
		// A server that is to pass rows on to others answers when they have them; otherwise it would keep what it has not
		// passed on, and lose it with its disk.
		"insert_distributed_sync":    1,
		"insert_distributed_timeout": 60, // seconds
		// 50 ms by default, which a busy server does not keep.
		"connect_timeout_with_failover_ms": 2000,
	})
	conn, err := clickhouse.Open(&o)
	if err != nil {
		return nil, fmt.Errorf("opening ClickHouse: %w", err)
	}
	return &Store{conn: conn, options: o, cluster: cluster, stretchRows: stretchRows}, nil
}

// Close closes the connections.
func (s *Store) Close() error {
	if err := s.conn.Close(); err != nil {
		return fmt.Errorf("closing the connections to ClickHouse: %w", err)
	}
	return nil
}

// servers are connections to each of the servers that hold a part of the tables.
type servers []driver.Conn

func (all servers) close() {
	for _, conn := range all {
		_ = conn.Close() // nothing is under way on it
	}
}

// servers connects to all servers, in a database.
func (s *Store) servers(ctx context.Context, database string) (all servers, err error) {
	defer func() {
		if err != nil {
			all.close()
		}
	}()
	entry, err := s.connect(s.options.Addr, database)
	if err != nil {
		return nil, err
	}
	if s.cluster == "" {
		return servers{entry}, nil
	}
	defer func() { _ = entry.Close() }()
	addresses, err := s.addresses(ctx, entry)
	if err != nil {
		return nil, fmt.Errorf("listing the servers of cluster %s: %w", s.cluster, err)
	}
	for _, address := range addresses {
		conn, err := s.connect([]string{address}, database)
		if err != nil {
			return all, err
		}
		all = append(all, conn)
	}
	return all, nil
}

func (s *Store) connect(addresses []string, database string) (driver.Conn, error) {
	o := s.options
	o.Addr = addresses
	o.Auth.Database = database
	conn, err := clickhouse.Open(&o)
	if err != nil {
		return nil, fmt.Errorf("opening ClickHouse: %w", err)
	}
	return conn, nil
}

// addresses asks a server for all those of the cluster.
func (s *Store) addresses(ctx context.Context, entry driver.Conn) ([]string, error) {
	rows, err := entry.Query(ctx, "SELECT DISTINCT host_name, port FROM system.clusters"+
		" WHERE cluster = '"+s.cluster+"' ORDER BY host_name, port")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var host string
		var port uint16
		if err := rows.Scan(&host, &port); err != nil {
			return nil, err
		}
		all = append(all, net.JoinHostPort(host, strconv.Itoa(int(port))))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("the server knows no cluster of this name")
	}
	return all, nil
}

// local is the name under which each server holds its part of a table.
func (s *Store) local(table string) string {
	if s.cluster == "" {
		return table
	}
	return table + "_local"
}
