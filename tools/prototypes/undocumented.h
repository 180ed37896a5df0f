/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that DLLs export and mingw-w64's headers lack: written for this table from public facts,
 * to be read by tools/gen-prototypes only. Types that nothing needs to see inside are void pointers.
 */
#include "annotations.h"
#include <winternl.h>
#include <ntsecapi.h>
#include <stdio.h>
#include <time.h>

typedef const UNICODE_STRING *PCUNICODE_STRING;
typedef PVOID PRTL_RESOURCE, PRTL_HANDLE_TABLE, PRTL_ATOM_TABLE;

/* ---- ntdll: the loader */
NTSTATUS NTAPI LdrLoadDll(_In_ PWSTR LoadPath, _In_ PULONG DllCharacteristics, _In_ PCUNICODE_STRING DllName, _Out_ PVOID *BaseAddress);
NTSTATUS NTAPI LdrUnloadDll(HMODULE BaseAddress);
NTSTATUS NTAPI LdrGetDllHandle(_In_ PWSTR LoadPath, _In_ PULONG DllCharacteristics, _In_ PCUNICODE_STRING DllName, _Out_ HMODULE *BaseAddress);
NTSTATUS NTAPI LdrGetDllHandleEx(ULONG Flags, _In_ PWSTR LoadPath, _In_ PULONG DllCharacteristics, _In_ PCUNICODE_STRING DllName, _Out_ HMODULE *BaseAddress);
NTSTATUS NTAPI LdrGetProcedureAddress(HMODULE BaseAddress, _In_ const ANSI_STRING *Name, ULONG Ordinal, _Out_ PVOID *ProcedureAddress);
NTSTATUS NTAPI LdrGetDllFullName(HMODULE BaseAddress, _Out_ PUNICODE_STRING FullDllName);
NTSTATUS NTAPI LdrGetDllPath(_In_ PCWSTR Module, ULONG Flags, _Out_ PWSTR *Path, _Out_ PWSTR *Unknown);
NTSTATUS NTAPI LdrGetDllDirectory(_Out_ PUNICODE_STRING Directory);
NTSTATUS NTAPI LdrSetDllDirectory(_In_ PCUNICODE_STRING Directory);
NTSTATUS NTAPI LdrAddDllDirectory(_In_ PCUNICODE_STRING Directory, _Out_ PVOID *Cookie);
NTSTATUS NTAPI LdrRemoveDllDirectory(PVOID Cookie);
NTSTATUS NTAPI LdrSetDefaultDllDirectories(ULONG Flags);
NTSTATUS NTAPI LdrAddRefDll(ULONG Flags, HMODULE BaseAddress);
NTSTATUS NTAPI LdrDisableThreadCalloutsForDll(HMODULE BaseAddress);
NTSTATUS NTAPI LdrFindEntryForAddress(_In_ const void *Address, _Out_ PVOID *Entry);
NTSTATUS NTAPI LdrLockLoaderLock(ULONG Flags, _Out_ PULONG Disposition, _Out_ PULONG_PTR Cookie);
NTSTATUS NTAPI LdrUnlockLoaderLock(ULONG Flags, ULONG_PTR Cookie);
NTSTATUS NTAPI LdrFindResource_U(HMODULE BaseAddress, _In_reads_(Level) const ULONG_PTR *ResourceInfo, ULONG Level, _Out_ PVOID *DataEntry);
NTSTATUS NTAPI LdrFindResourceDirectory_U(HMODULE BaseAddress, _In_reads_(Level) const ULONG_PTR *ResourceInfo, ULONG Level, _Out_ PVOID *Directory);
NTSTATUS NTAPI LdrAccessResource(HMODULE BaseAddress, _In_ const void *DataEntry, _Out_ PVOID *Resource, _Out_ PULONG Size);
NTSTATUS NTAPI LdrQueryImageFileExecutionOptions(_In_ PCUNICODE_STRING SubKey, _In_ PCWSTR ValueName, ULONG ValueType, _Out_writes_bytes_(DataSize) PVOID Data, ULONG DataSize, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI LdrQueryProcessModuleInformation(_Out_writes_bytes_(Size) PVOID ModuleInformation, ULONG Size, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI LdrRegisterDllNotification(ULONG Flags, PVOID NotificationFunction, PVOID Context, _Out_ PVOID *Cookie);
NTSTATUS NTAPI LdrUnregisterDllNotification(PVOID Cookie);
NTSTATUS NTAPI LdrEnumerateLoadedModules(PVOID Reserved, PVOID EnumProc, PVOID Context);
NTSTATUS NTAPI LdrVerifyImageMatchesChecksum(HANDLE File, PVOID Callback, PVOID Context, _Out_ PUSHORT Characteristics);
PVOID NTAPI LdrResolveDelayLoadedAPI(PVOID ParentBase, _In_ const void *DelayloadDescriptor, PVOID FailureDllHook, PVOID FailureSystemHook, _Out_ PVOID *ThunkAddress, ULONG Flags);
PVOID NTAPI LdrProcessRelocationBlock(PVOID Address, UINT Count, _In_ PUSHORT TypeOffset, INT_PTR Delta);
void NTAPI LdrShutdownProcess(void);
void NTAPI LdrShutdownThread(void);
void NTAPI LdrInitializeThunk(PCONTEXT Context, PVOID BaseAddress, ULONG_PTR Unknown3, ULONG_PTR Unknown4);

/* ---- ntdll: heaps */
PVOID NTAPI RtlReAllocateHeap(PVOID Heap, ULONG Flags, PVOID Memory, SIZE_T Size);
SIZE_T NTAPI RtlSizeHeap(PVOID Heap, ULONG Flags, const void *Memory);
BOOLEAN NTAPI RtlValidateHeap(PVOID Heap, ULONG Flags, const void *Memory);
BOOLEAN NTAPI RtlLockHeap(PVOID Heap);
BOOLEAN NTAPI RtlUnlockHeap(PVOID Heap);
ULONG NTAPI RtlCompactHeap(PVOID Heap, ULONG Flags);
NTSTATUS NTAPI RtlWalkHeap(PVOID Heap, _Inout_ PVOID Entry);
ULONG NTAPI RtlGetProcessHeaps(ULONG Count, _Out_writes_(Count) HANDLE *Heaps);
BOOLEAN NTAPI RtlGetUserInfoHeap(PVOID Heap, ULONG Flags, PVOID Memory, _Out_ PVOID *UserValue, _Out_ PULONG UserFlags);
BOOLEAN NTAPI RtlSetUserValueHeap(PVOID Heap, ULONG Flags, PVOID Memory, PVOID UserValue);
BOOLEAN NTAPI RtlSetUserFlagsHeap(PVOID Heap, ULONG Flags, PVOID Memory, ULONG ClearFlags, ULONG SetFlags);

/* ---- ntdll: locks */
NTSTATUS NTAPI RtlInitializeCriticalSection(_Out_ RTL_CRITICAL_SECTION *CriticalSection);
NTSTATUS NTAPI RtlInitializeCriticalSectionAndSpinCount(_Out_ RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount);
NTSTATUS NTAPI RtlInitializeCriticalSectionEx(_Out_ RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount, ULONG Flags);
ULONG NTAPI RtlSetCriticalSectionSpinCount(_Inout_ RTL_CRITICAL_SECTION *CriticalSection, ULONG SpinCount);
NTSTATUS NTAPI RtlDeleteCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
NTSTATUS NTAPI RtlEnterCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
NTSTATUS NTAPI RtlLeaveCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
BOOL NTAPI RtlTryEnterCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
BOOL NTAPI RtlIsCriticalSectionLocked(_In_ RTL_CRITICAL_SECTION *CriticalSection);
BOOL NTAPI RtlIsCriticalSectionLockedByThread(_In_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI RtlpWaitForCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI RtlpUnWaitCriticalSection(_Inout_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI RtlInitializeSRWLock(_Out_ RTL_SRWLOCK *Lock);
void NTAPI RtlAcquireSRWLockExclusive(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlAcquireSRWLockShared(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlReleaseSRWLockExclusive(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlReleaseSRWLockShared(_Inout_ RTL_SRWLOCK *Lock);
BOOLEAN NTAPI RtlTryAcquireSRWLockExclusive(_Inout_ RTL_SRWLOCK *Lock);
BOOLEAN NTAPI RtlTryAcquireSRWLockShared(_Inout_ RTL_SRWLOCK *Lock);
void NTAPI RtlInitializeConditionVariable(_Out_ RTL_CONDITION_VARIABLE *Variable);
void NTAPI RtlWakeConditionVariable(_Inout_ RTL_CONDITION_VARIABLE *Variable);
void NTAPI RtlWakeAllConditionVariable(_Inout_ RTL_CONDITION_VARIABLE *Variable);
NTSTATUS NTAPI RtlSleepConditionVariableCS(_Inout_ RTL_CONDITION_VARIABLE *Variable, _Inout_ RTL_CRITICAL_SECTION *CriticalSection, _In_ const LARGE_INTEGER *Timeout);
NTSTATUS NTAPI RtlSleepConditionVariableSRW(_Inout_ RTL_CONDITION_VARIABLE *Variable, _Inout_ RTL_SRWLOCK *Lock, _In_ const LARGE_INTEGER *Timeout, ULONG Flags);
NTSTATUS NTAPI RtlWaitOnAddress(_In_reads_bytes_(AddressSize) const void *Address, _In_reads_bytes_(AddressSize) const void *CompareAddress, SIZE_T AddressSize, _In_ const LARGE_INTEGER *Timeout);
void NTAPI RtlWakeAddressAll(const void *Address);
void NTAPI RtlWakeAddressSingle(const void *Address);
void NTAPI RtlInitializeResource(_Out_ PRTL_RESOURCE Resource);
void NTAPI RtlDeleteResource(PRTL_RESOURCE Resource);
BYTE NTAPI RtlAcquireResourceExclusive(PRTL_RESOURCE Resource, BYTE Wait);
BYTE NTAPI RtlAcquireResourceShared(PRTL_RESOURCE Resource, BYTE Wait);
void NTAPI RtlReleaseResource(PRTL_RESOURCE Resource);
void NTAPI RtlAcquirePebLock(void);
void NTAPI RtlReleasePebLock(void);

/* ---- ntdll: processes, threads, exceptions */
void NTAPI RtlExitUserProcess(ULONG ExitStatus);
void NTAPI RtlExitUserThread(ULONG ExitStatus);
NTSTATUS NTAPI RtlCreateUserThread(HANDLE Process, _In_ PSECURITY_DESCRIPTOR SecurityDescriptor, BOOLEAN Suspended, ULONG ZeroBits, SIZE_T StackReserve, SIZE_T StackCommit, PVOID StartAddress, PVOID Parameter, _Out_ HANDLE *Thread, _Out_ PVOID ClientId);
NTSTATUS NTAPI RtlCreateUserProcess(_Inout_ PUNICODE_STRING ImageName, ULONG Attributes, PVOID ProcessParameters, _In_ PSECURITY_DESCRIPTOR ProcessSecurity, _In_ PSECURITY_DESCRIPTOR ThreadSecurity, HANDLE ParentProcess, BOOLEAN InheritHandles, HANDLE DebugPort, HANDLE TokenHandle, _Out_ PVOID ProcessInformation);
NTSTATUS NTAPI RtlCreateUserStack(SIZE_T Commit, SIZE_T Reserve, ULONG ZeroBits, SIZE_T CommitAlign, SIZE_T ReserveAlign, _Out_ PVOID InitialTeb);
void NTAPI RtlFreeUserStack(PVOID Stack);
void NTAPI RtlUserThreadStart(PVOID Entry, PVOID Argument);
NTSTATUS NTAPI RtlCreateProcessParameters(_Out_ PVOID *Parameters, _In_ PCUNICODE_STRING ImagePath, _In_ PCUNICODE_STRING DllPath, _In_ PCUNICODE_STRING CurrentDirectory, _In_ PCUNICODE_STRING CommandLine, _In_ PWSTR Environment, _In_ PCUNICODE_STRING WindowTitle, _In_ PCUNICODE_STRING Desktop, _In_ PCUNICODE_STRING ShellInfo, _In_ PCUNICODE_STRING RuntimeInfo);
NTSTATUS NTAPI RtlCreateProcessParametersEx(_Out_ PVOID *Parameters, _In_ PCUNICODE_STRING ImagePath, _In_ PCUNICODE_STRING DllPath, _In_ PCUNICODE_STRING CurrentDirectory, _In_ PCUNICODE_STRING CommandLine, _In_ PWSTR Environment, _In_ PCUNICODE_STRING WindowTitle, _In_ PCUNICODE_STRING Desktop, _In_ PCUNICODE_STRING ShellInfo, _In_ PCUNICODE_STRING RuntimeInfo, ULONG Flags);
void NTAPI RtlDestroyProcessParameters(PVOID Parameters);
PVOID NTAPI RtlNormalizeProcessParams(PVOID Parameters);
PVOID NTAPI RtlDeNormalizeProcessParams(PVOID Parameters);
PVOID NTAPI RtlGetCurrentPeb(void);
NTSTATUS NTAPI RtlRemoteCall(HANDLE Process, HANDLE Thread, PVOID CallSite, ULONG ArgumentCount, _In_reads_(ArgumentCount) PULONG_PTR Arguments, BOOLEAN PassContext, BOOLEAN AlreadySuspended);
void NTAPI RtlRaiseException(_In_ EXCEPTION_RECORD *ExceptionRecord);
void NTAPI RtlRaiseStatus(NTSTATUS Status);
PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, PVOID Handler);
PVOID NTAPI RtlAddVectoredContinueHandler(ULONG First, PVOID Handler);
ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID Handle);
ULONG NTAPI RtlRemoveVectoredContinueHandler(PVOID Handle);
PVOID NTAPI RtlSetUnhandledExceptionFilter(PVOID Filter);
void NTAPI KiUserExceptionDispatcher(PEXCEPTION_RECORD ExceptionRecord, PCONTEXT Context);
void NTAPI KiUserApcDispatcher(PCONTEXT Context, ULONG_PTR Context1, ULONG_PTR Argument1, ULONG_PTR Argument2, PVOID Function);
ULONG NTAPI RtlGetThreadErrorMode(void);
NTSTATUS NTAPI RtlSetThreadErrorMode(ULONG Mode, _Out_ PULONG OldMode);
ULONG NTAPI RtlGetLastWin32Error(void);
void NTAPI RtlSetLastWin32Error(ULONG Error);
void NTAPI RtlRestoreLastWin32Error(ULONG Error);
NTSTATUS NTAPI RtlGetLastNtStatus(void);
void NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS Status);
NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN CurrentThread, _Out_ PBOOLEAN Enabled);
NTSTATUS NTAPI RtlImpersonateSelf(SECURITY_IMPERSONATION_LEVEL Level);
BOOLEAN NTAPI RtlIsCurrentThread(HANDLE Thread);
BOOLEAN NTAPI RtlIsCurrentProcess(HANDLE Process);
BOOLEAN NTAPI RtlIsProcessorFeaturePresent(UINT Feature);
BOOLEAN NTAPI RtlDllShutdownInProgress(void);
PVOID NTAPI RtlEncodePointer(PVOID Pointer);
PVOID NTAPI RtlDecodePointer(PVOID Pointer);
PVOID NTAPI RtlEncodeSystemPointer(PVOID Pointer);
PVOID NTAPI RtlDecodeSystemPointer(PVOID Pointer);
NTSTATUS NTAPI RtlFlsAlloc(PVOID Callback, _Out_ PULONG Index);
NTSTATUS NTAPI RtlFlsFree(ULONG Index);
NTSTATUS NTAPI RtlFlsSetValue(ULONG Index, PVOID Value);
NTSTATUS NTAPI RtlFlsGetValue(ULONG Index, _Out_ PVOID *Value);
void NTAPI RtlGetCurrentProcessorNumberEx(_Out_ PPROCESSOR_NUMBER Processor);
PVOID NTAPI RtlGetFrame(void);
void NTAPI RtlPushFrame(PVOID Frame);
void NTAPI RtlPopFrame(PVOID Frame);
NTSTATUS NTAPI RtlWow64EnableFsRedirection(BOOLEAN Enable);
NTSTATUS NTAPI RtlWow64EnableFsRedirectionEx(ULONG Disable, _Out_ PULONG OldValue);
NTSTATUS NTAPI RtlWow64GetProcessMachines(HANDLE Process, _Out_ PUSHORT Current, _Out_ PUSHORT Native);
NTSTATUS NTAPI RtlWow64GetThreadContext(HANDLE Thread, _Inout_ PVOID Context);
NTSTATUS NTAPI RtlWow64SetThreadContext(HANDLE Thread, _In_ const void *Context);
void NTAPI DbgUserBreakPoint(void);
NTSTATUS NTAPI DbgUiConnectToDbg(void);
HANDLE NTAPI DbgUiGetThreadDebugObject(void);
void NTAPI DbgUiSetThreadDebugObject(HANDLE DebugObject);
NTSTATUS NTAPI DbgUiDebugActiveProcess(HANDLE Process);
NTSTATUS NTAPI DbgUiStopDebugging(HANDLE Process);
NTSTATUS NTAPI DbgUiContinue(_In_ PVOID ClientId, NTSTATUS ContinueStatus);
NTSTATUS NTAPI DbgUiWaitStateChange(_Out_ PVOID StateChange, _In_ PLARGE_INTEGER Timeout);
NTSTATUS NTAPI DbgUiIssueRemoteBreakin(HANDLE Process);
void NTAPI DbgUiRemoteBreakin(PVOID Argument);

/* ---- ntdll: images */
PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(HMODULE BaseAddress);
PVOID NTAPI RtlImageDirectoryEntryToData(HMODULE BaseAddress, BOOL MappedAsImage, WORD Directory, _Out_ PULONG Size);
PIMAGE_SECTION_HEADER NTAPI RtlImageRvaToSection(_In_ const IMAGE_NT_HEADERS *NtHeader, HMODULE BaseAddress, DWORD Rva);
PVOID NTAPI RtlImageRvaToVa(_In_ const IMAGE_NT_HEADERS *NtHeader, HMODULE BaseAddress, DWORD Rva, _Inout_ PIMAGE_SECTION_HEADER *Section);
PVOID NTAPI RtlFindExportedRoutineByName(HMODULE BaseAddress, _In_ const char *Name);
NTSTATUS NTAPI RtlFindMessage(HMODULE BaseAddress, ULONG Type, ULONG Language, ULONG Message, _Out_ PVOID *Entry);
NTSTATUS NTAPI RtlFormatMessage(_In_ PCWSTR Source, ULONG Width, BOOLEAN IgnoreInserts, BOOLEAN Ansi, BOOLEAN ArgumentsIsArray, PVOID Arguments, _Out_writes_bytes_(Size) PWSTR Buffer, ULONG Size, _Out_ PULONG ReturnLength);

/* ---- ntdll: strings, paths, environment */
BOOLEAN NTAPI RtlPrefixString(_In_ const STRING *String1, _In_ const STRING *String2, BOOLEAN IgnoreCase);
void NTAPI RtlEraseUnicodeString(_Inout_ PUNICODE_STRING String);
NTSTATUS NTAPI RtlAppendAsciizToString(_Inout_ STRING *Destination, _In_ PCSTR Source);
WCHAR NTAPI RtlAnsiCharToUnicodeChar(_Inout_ PSTR *Ansi);
ULONG NTAPI RtlAnsiStringToUnicodeSize(_In_ const STRING *String);
ULONG NTAPI RtlOemStringToUnicodeSize(_In_ const STRING *String);
ULONG NTAPI RtlUnicodeStringToAnsiSize(_In_ PCUNICODE_STRING String);
ULONG NTAPI RtlUnicodeStringToOemSize(_In_ PCUNICODE_STRING String);
NTSTATUS NTAPI RtlUpcaseUnicodeStringToAnsiString(_Out_ STRING *Destination, _In_ PCUNICODE_STRING Source, BOOLEAN Allocate);
NTSTATUS NTAPI RtlFindCharInUnicodeString(int Flags, _In_ PCUNICODE_STRING Main, _In_ PCUNICODE_STRING Search, _Out_ PUSHORT Position);
NTSTATUS NTAPI RtlIntegerToChar(ULONG Value, ULONG Base, ULONG Length, _Out_ PSTR String);
NTSTATUS NTAPI RtlLargeIntegerToChar(_In_ const ULONGLONG *Value, ULONG Base, ULONG Length, _Out_ PSTR String);
BOOLEAN NTAPI RtlIsTextUnicode(_In_reads_bytes_(Length) const void *Buffer, INT Length, _Inout_ INT *Flags);
NTSTATUS NTAPI RtlConsoleMultiByteToUnicodeN(_Out_writes_bytes_(Size) PWSTR Destination, DWORD Size, _Out_ PDWORD Result, _In_ PCSTR Source, DWORD Length, _Out_ PDWORD Unknown);
NTSTATUS NTAPI RtlLcidToLocaleName(LCID Lcid, _Out_ PUNICODE_STRING Name, ULONG Flags, BOOLEAN Allocate);
NTSTATUS NTAPI RtlLocaleNameToLcid(_In_ PCWSTR Name, _Out_ LCID *Lcid, ULONG Flags);
BOOLEAN NTAPI RtlIsValidLocaleName(_In_ PCWSTR Name, ULONG Flags);
ULONG NTAPI RtlDetermineDosPathNameType_U(_In_ PCWSTR Path);
ULONG NTAPI RtlIsDosDeviceName_U(_In_ PCWSTR Path);
BOOLEAN NTAPI RtlDoesFileExists_U(_In_ PCWSTR Path);
ULONG NTAPI RtlGetFullPathName_U(_In_ PCWSTR Path, ULONG Size, _Out_writes_bytes_(Size) PWSTR Buffer, _Out_ PWSTR *FilePart);
ULONG NTAPI RtlGetCurrentDirectory_U(ULONG Length, _Out_writes_bytes_(Length) PWSTR Buffer);
NTSTATUS NTAPI RtlSetCurrentDirectory_U(_In_ PCUNICODE_STRING Path);
ULONG NTAPI RtlDosSearchPath_U(_In_ PCWSTR Paths, _In_ PCWSTR Name, _In_ PCWSTR Extension, ULONG Size, _Out_writes_bytes_(Size) PWSTR Buffer, _Out_ PWSTR *FilePart);
NTSTATUS NTAPI RtlDosPathNameToNtPathName_U_WithStatus(_In_ PCWSTR DosPath, _Out_ PUNICODE_STRING NtPath, _Out_ PWSTR *FilePart, _Out_ PVOID RelativeName);
BOOLEAN NTAPI RtlDosPathNameToRelativeNtPathName_U(_In_ PCWSTR DosPath, _Out_ PUNICODE_STRING NtPath, _Out_ PWSTR *FilePart, _Out_ PVOID RelativeName);
NTSTATUS NTAPI RtlDosPathNameToRelativeNtPathName_U_WithStatus(_In_ PCWSTR DosPath, _Out_ PUNICODE_STRING NtPath, _Out_ PWSTR *FilePart, _Out_ PVOID RelativeName);
void NTAPI RtlReleaseRelativeName(PVOID RelativeName);
void NTAPI RtlReleasePath(PWSTR Path);
NTSTATUS NTAPI RtlGetExePath(_In_ PCWSTR Name, _Out_ PWSTR *Path);
NTSTATUS NTAPI RtlGetSearchPath(_Out_ PWSTR *Path);
NTSTATUS NTAPI RtlSetSearchPathMode(ULONG Flags);
ULONG NTAPI RtlGetLongestNtPathLength(void);
NTSTATUS NTAPI RtlCreateEnvironment(BOOLEAN Inherit, _Out_ PWSTR *Environment);
NTSTATUS NTAPI RtlDestroyEnvironment(PWSTR Environment);
void NTAPI RtlSetCurrentEnvironment(PWSTR New, _Out_ PWSTR *Old);
NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(_In_ PCWSTR Environment, _In_ PCUNICODE_STRING Name, _Inout_ PUNICODE_STRING Value);
NTSTATUS NTAPI RtlQueryEnvironmentVariable(_In_ PCWSTR Environment, _In_ PCWSTR Name, SIZE_T NameLength, _Out_writes_(ValueLength) PWSTR Value, SIZE_T ValueLength, _Out_ PSIZE_T ReturnLength);
void NTAPI RtlSetEnvironmentVariable(_Inout_ PWSTR *Environment, _In_ PCUNICODE_STRING Name, _In_ PCUNICODE_STRING Value);
NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(_In_ PCWSTR Environment, _In_ PCUNICODE_STRING Source, _Inout_ PUNICODE_STRING Destination, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI RtlExpandEnvironmentStrings(_In_ PCWSTR Environment, _In_ PCWSTR Source, SIZE_T SourceLength, _Out_writes_(DestinationLength) PWSTR Destination, SIZE_T DestinationLength, _Out_ PSIZE_T ReturnLength);
NTSTATUS NTAPI RtlFormatCurrentUserKeyPath(_Out_ PUNICODE_STRING Path);
NTSTATUS NTAPI RtlOpenCurrentUser(ACCESS_MASK DesiredAccess, _Out_ PHANDLE Key);
BOOLEAN NTAPI RtlEqualComputerName(_In_ PCUNICODE_STRING Left, _In_ PCUNICODE_STRING Right);
BOOLEAN NTAPI RtlEqualDomainName(_In_ PCUNICODE_STRING Left, _In_ PCUNICODE_STRING Right);
DWORD NTAPI RtlComputeCrc32(DWORD Initial, _In_reads_bytes_(Length) const BYTE *Data, INT Length);
NTSTATUS NTAPI RtlIpv6StringToAddressA(_In_ PCSTR String, _Out_ PCSTR *Terminator, _Out_ struct in6_addr *Address);
NTSTATUS NTAPI RtlIpv6StringToAddressW(_In_ PCWSTR String, _Out_ PCWSTR *Terminator, _Out_ struct in6_addr *Address);

/* ---- ntdll: time, system */
BOOL NTAPI RtlQueryPerformanceCounter(_Out_ PLARGE_INTEGER Counter);
BOOL NTAPI RtlQueryPerformanceFrequency(_Out_ PLARGE_INTEGER Frequency);
BOOL NTAPI RtlQueryUnbiasedInterruptTime(_Out_ PULONGLONG Time);
LONGLONG NTAPI RtlGetSystemTimePrecise(void);
NTSTATUS NTAPI RtlSystemTimeToLocalTime(_In_ const LARGE_INTEGER *SystemTime, _Out_ PLARGE_INTEGER LocalTime);
NTSTATUS NTAPI RtlQueryTimeZoneInformation(_Out_ TIME_ZONE_INFORMATION *Information);
NTSTATUS NTAPI RtlSetTimeZoneInformation(_In_ const TIME_ZONE_INFORMATION *Information);
NTSTATUS NTAPI RtlQueryDynamicTimeZoneInformation(_Out_ DYNAMIC_TIME_ZONE_INFORMATION *Information);
ULONG NTAPI NtGetTickCount(void);
ULONG NTAPI RtlGetNtGlobalFlags(void);
BOOLEAN NTAPI RtlGetNtProductType(_Out_ PULONG Type);
void NTAPI RtlGetNtVersionNumbers(_Out_ PULONG Major, _Out_ PULONG Minor, _Out_ PULONG Build);
NTSTATUS NTAPI RtlGetNativeSystemInformation(SYSTEM_INFORMATION_CLASS Class, _Out_writes_bytes_(Length) PVOID Information, ULONG Length, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI RtlGetUserPreferredUILanguages(DWORD Flags, ULONG Unknown, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
NTSTATUS NTAPI RtlGetSystemPreferredUILanguages(DWORD Flags, ULONG Unknown, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
NTSTATUS NTAPI RtlGetProcessPreferredUILanguages(DWORD Flags, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
NTSTATUS NTAPI RtlGetThreadPreferredUILanguages(DWORD Flags, _Out_ PULONG Count, _Out_writes_(Size) PWSTR Buffer, _Inout_ PULONG Size);
BOOL NTAPI WinSqmIsOptedIn(void);
HANDLE NTAPI WinSqmStartSession(_In_ GUID *Session, DWORD Id, DWORD Flags);
NTSTATUS NTAPI WinSqmEndSession(HANDLE Session);
void NTAPI WinSqmIncrementDWORD(DWORD A, DWORD B, DWORD C);
BOOL NTAPI ApiSetQueryApiSetPresenceEx(_In_ PCUNICODE_STRING Name, _Out_ PBOOLEAN InSchema, _Out_ PBOOLEAN Present);
BOOL NTAPI ApiSetQueryApiSetPresence(_In_ PCUNICODE_STRING Name, _Out_ PBOOLEAN Present);
NTSTATUS NTAPI EtwEventRegister(_In_ const GUID *Provider, PVOID Callback, PVOID Context, _Out_ PULONGLONG Handle);
NTSTATUS NTAPI EtwEventUnregister(ULONGLONG Handle);
NTSTATUS NTAPI EtwEventSetInformation(ULONGLONG Handle, ULONG Class, _In_reads_bytes_(Length) PVOID Information, ULONG Length);
ULONG NTAPI EtwEventWrite(ULONGLONG Handle, _In_ const void *Descriptor, ULONG Count, _In_ PVOID Data);
BOOLEAN NTAPI EtwEventProviderEnabled(ULONGLONG Handle, UCHAR Level, ULONGLONG Keyword);
ULONG NTAPI EtwUnregisterTraceGuids(ULONGLONG Handle);

/* ---- ntdll: timers, the thread pool, activation contexts, atoms */
NTSTATUS NTAPI RtlCreateTimerQueue(_Out_ PHANDLE Queue);
NTSTATUS NTAPI RtlDeleteTimerQueueEx(HANDLE Queue, HANDLE CompletionEvent);
NTSTATUS NTAPI RtlCreateTimer(HANDLE Queue, _Out_ PHANDLE Timer, PVOID Callback, PVOID Parameter, DWORD DueTime, DWORD Period, ULONG Flags);
NTSTATUS NTAPI RtlUpdateTimer(HANDLE Queue, HANDLE Timer, DWORD DueTime, DWORD Period);
NTSTATUS NTAPI RtlDeleteTimer(HANDLE Queue, HANDLE Timer, HANDLE CompletionEvent);
NTSTATUS NTAPI RtlRegisterWait(_Out_ PHANDLE NewWait, HANDLE Object, PVOID Callback, PVOID Context, ULONG Milliseconds, ULONG Flags);
NTSTATUS NTAPI RtlDeregisterWait(HANDLE Wait);
NTSTATUS NTAPI RtlDeregisterWaitEx(HANDLE Wait, HANDLE CompletionEvent);
NTSTATUS NTAPI RtlQueueWorkItem(PVOID Function, PVOID Context, ULONG Flags);
NTSTATUS NTAPI RtlSetIoCompletionCallback(HANDLE File, PVOID Function, ULONG Flags);
NTSTATUS NTAPI TpAllocPool(_Out_ PTP_POOL *Pool, PVOID Reserved);
void NTAPI TpReleasePool(PTP_POOL Pool);
void NTAPI TpSetPoolMaxThreads(PTP_POOL Pool, DWORD Maximum);
BOOL NTAPI TpSetPoolMinThreads(PTP_POOL Pool, DWORD Minimum);
NTSTATUS NTAPI TpAllocCleanupGroup(_Out_ PTP_CLEANUP_GROUP *Group);
void NTAPI TpReleaseCleanupGroup(PTP_CLEANUP_GROUP Group);
void NTAPI TpReleaseCleanupGroupMembers(PTP_CLEANUP_GROUP Group, BOOL CancelPending, PVOID Context);
NTSTATUS NTAPI TpAllocWork(_Out_ PTP_WORK *Work, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpPostWork(PTP_WORK Work);
void NTAPI TpReleaseWork(PTP_WORK Work);
void NTAPI TpWaitForWork(PTP_WORK Work, BOOL CancelPending);
NTSTATUS NTAPI TpSimpleTryPost(PVOID Callback, PVOID Context, _In_ PVOID Environment);
NTSTATUS NTAPI TpAllocTimer(_Out_ PTP_TIMER *Timer, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpSetTimer(PTP_TIMER Timer, _In_ LARGE_INTEGER *DueTime, LONG Period, LONG Window);
BOOL NTAPI TpIsTimerSet(PTP_TIMER Timer);
void NTAPI TpReleaseTimer(PTP_TIMER Timer);
void NTAPI TpWaitForTimer(PTP_TIMER Timer, BOOL CancelPending);
NTSTATUS NTAPI TpAllocWait(_Out_ PTP_WAIT *Wait, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpSetWait(PTP_WAIT Wait, HANDLE Object, _In_ LARGE_INTEGER *Timeout);
void NTAPI TpReleaseWait(PTP_WAIT Wait);
void NTAPI TpWaitForWait(PTP_WAIT Wait, BOOL CancelPending);
NTSTATUS NTAPI TpAllocIoCompletion(_Out_ PTP_IO *Io, HANDLE File, PVOID Callback, PVOID Context, _In_ PVOID Environment);
void NTAPI TpStartAsyncIoOperation(PTP_IO Io);
void NTAPI TpCancelAsyncIoOperation(PTP_IO Io);
void NTAPI TpReleaseIoCompletion(PTP_IO Io);
void NTAPI TpWaitForIoCompletion(PTP_IO Io, BOOL CancelPending);
BOOL NTAPI TpCallbackMayRunLong(PTP_CALLBACK_INSTANCE Instance);
void NTAPI TpDisassociateCallback(PTP_CALLBACK_INSTANCE Instance);
void NTAPI TpCallbackLeaveCriticalSectionOnCompletion(PTP_CALLBACK_INSTANCE Instance, _Inout_ RTL_CRITICAL_SECTION *CriticalSection);
void NTAPI TpCallbackReleaseMutexOnCompletion(PTP_CALLBACK_INSTANCE Instance, HANDLE Mutex);
void NTAPI TpCallbackReleaseSemaphoreOnCompletion(PTP_CALLBACK_INSTANCE Instance, HANDLE Semaphore, DWORD Count);
void NTAPI TpCallbackSetEventOnCompletion(PTP_CALLBACK_INSTANCE Instance, HANDLE Event);
void NTAPI TpCallbackUnloadDllOnCompletion(PTP_CALLBACK_INSTANCE Instance, HMODULE Module);
NTSTATUS NTAPI RtlCreateActivationContext(_Out_ HANDLE *Handle, _In_ const void *Context);
void NTAPI RtlAddRefActivationContext(HANDLE Handle);
void NTAPI RtlReleaseActivationContext(HANDLE Handle);
NTSTATUS NTAPI RtlZombifyActivationContext(HANDLE Handle);
NTSTATUS NTAPI RtlActivateActivationContext(ULONG Flags, HANDLE Handle, _Out_ PULONG_PTR Cookie);
NTSTATUS NTAPI RtlActivateActivationContextEx(ULONG Flags, PVOID Teb, HANDLE Handle, _Out_ PULONG_PTR Cookie);
void NTAPI RtlDeactivateActivationContext(ULONG Flags, ULONG_PTR Cookie);
NTSTATUS NTAPI RtlGetActiveActivationContext(_Out_ HANDLE *Handle);
BOOLEAN NTAPI RtlIsActivationContextActive(HANDLE Handle);
NTSTATUS NTAPI RtlFindActivationContextSectionString(ULONG Flags, _In_ const GUID *Guid, ULONG Section, _In_ PCUNICODE_STRING Name, _Out_ PVOID Data);
NTSTATUS NTAPI RtlFindActivationContextSectionGuid(ULONG Flags, _In_ const GUID *Extension, ULONG Section, _In_ const GUID *Guid, _Out_ PVOID Data);
NTSTATUS NTAPI RtlQueryInformationActivationContext(ULONG Flags, HANDLE Handle, PVOID Instance, ULONG Class, _Out_writes_bytes_(Size) PVOID Buffer, SIZE_T Size, _Out_ PSIZE_T ReturnLength);
NTSTATUS NTAPI RtlQueryInformationActiveActivationContext(ULONG Class, _Out_writes_bytes_(Size) PVOID Buffer, SIZE_T Size, _Out_ PSIZE_T ReturnLength);
NTSTATUS NTAPI RtlCreateAtomTable(ULONG Size, _Out_ PRTL_ATOM_TABLE *Table);
NTSTATUS NTAPI RtlDestroyAtomTable(PRTL_ATOM_TABLE Table);
NTSTATUS NTAPI RtlEmptyAtomTable(PRTL_ATOM_TABLE Table, BOOLEAN DeletePinned);
NTSTATUS NTAPI RtlAddAtomToAtomTable(PRTL_ATOM_TABLE Table, _In_ PCWSTR Name, _Out_ PUSHORT Atom);
NTSTATUS NTAPI RtlLookupAtomInAtomTable(PRTL_ATOM_TABLE Table, _In_ PCWSTR Name, _Out_ PUSHORT Atom);
NTSTATUS NTAPI RtlDeleteAtomFromAtomTable(PRTL_ATOM_TABLE Table, USHORT Atom);
NTSTATUS NTAPI RtlPinAtomInAtomTable(PRTL_ATOM_TABLE Table, USHORT Atom);
NTSTATUS NTAPI RtlQueryAtomInAtomTable(PRTL_ATOM_TABLE Table, USHORT Atom, _Out_ PULONG Reference, _Out_ PULONG Pinned, _Out_writes_bytes_(Length) PWSTR Name, _Inout_ PULONG Length);
void NTAPI RtlInitializeHandleTable(ULONG Maximum, ULONG Size, _Out_ PRTL_HANDLE_TABLE Table);
NTSTATUS NTAPI RtlDestroyHandleTable(PRTL_HANDLE_TABLE Table);
PVOID NTAPI RtlAllocateHandle(PRTL_HANDLE_TABLE Table, _Out_ PULONG Index);
BOOLEAN NTAPI RtlFreeHandle(PRTL_HANDLE_TABLE Table, PVOID Handle);
BOOLEAN NTAPI RtlIsValidHandle(PRTL_HANDLE_TABLE Table, PVOID Handle);
BOOLEAN NTAPI RtlIsValidIndexHandle(PRTL_HANDLE_TABLE Table, ULONG Index, _Out_ PVOID *Handle);

/* ---- ntdll: security */
BOOLEAN NTAPI RtlAreAllAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired);
BOOLEAN NTAPI RtlAreAnyAccessesGranted(ACCESS_MASK Granted, ACCESS_MASK Desired);
NTSTATUS NTAPI RtlAddAccessDeniedAce(PACL Acl, DWORD Revision, ACCESS_MASK Access, PSID Sid);
NTSTATUS NTAPI RtlAddAccessDeniedAceEx(PACL Acl, DWORD Revision, DWORD AceFlags, ACCESS_MASK Access, PSID Sid);
NTSTATUS NTAPI RtlAddAuditAccessAce(PACL Acl, DWORD Revision, ACCESS_MASK Access, PSID Sid, BOOL Success, BOOL Failure);
NTSTATUS NTAPI RtlAddAuditAccessAceEx(PACL Acl, DWORD Revision, DWORD AceFlags, ACCESS_MASK Access, PSID Sid, BOOL Success, BOOL Failure);
NTSTATUS NTAPI RtlAddMandatoryAce(PACL Acl, DWORD Revision, DWORD AceFlags, DWORD Policy, DWORD Type, PSID Sid);
NTSTATUS NTAPI RtlCopySecurityDescriptor(PSECURITY_DESCRIPTOR Source, _Out_ PVOID Destination);
NTSTATUS NTAPI RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, _Out_ PSECURITY_DESCRIPTOR_CONTROL Control, _Out_ PDWORD Revision);
NTSTATUS NTAPI RtlSetControlSecurityDescriptor(PSECURITY_DESCRIPTOR Descriptor, SECURITY_DESCRIPTOR_CONTROL Mask, SECURITY_DESCRIPTOR_CONTROL Bits);
NTSTATUS NTAPI RtlMakeSelfRelativeSD(PSECURITY_DESCRIPTOR Absolute, _Out_writes_bytes_(Length) PVOID Relative, _Inout_ PULONG Length);
NTSTATUS NTAPI RtlQueryInformationAcl(PACL Acl, _Out_writes_bytes_(Length) PVOID Information, DWORD Length, ACL_INFORMATION_CLASS Class);
NTSTATUS NTAPI RtlSetInformationAcl(PACL Acl, _In_reads_bytes_(Length) PVOID Information, DWORD Length, ACL_INFORMATION_CLASS Class);
BOOLEAN NTAPI RtlFirstFreeAce(PACL Acl, _Out_ PVOID *Ace);
BOOLEAN NTAPI RtlValidAcl(PACL Acl);
NTSTATUS NTAPI RtlDeleteSecurityObject(_Inout_ PSECURITY_DESCRIPTOR *Object);
NTSTATUS NTAPI RtlNewSecurityObject(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Creator, _Out_ PSECURITY_DESCRIPTOR *New, BOOLEAN IsDirectory, HANDLE Token, _In_ PGENERIC_MAPPING Mapping);
NTSTATUS NTAPI RtlQuerySecurityObject(PSECURITY_DESCRIPTOR Object, SECURITY_INFORMATION Information, _Out_ PVOID Result, ULONG Length, _Out_ PULONG ReturnLength);
NTSTATUS NTAPI RtlConvertToAutoInheritSecurityObject(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Current, _Out_ PSECURITY_DESCRIPTOR *New, _In_ GUID *ObjectType, BOOL IsDirectory, _In_ PGENERIC_MAPPING Mapping);

/* ---- ntdll, advapi32: digests and ciphers */
void WINAPI MD4Init(_Out_ PVOID Context);
void WINAPI MD4Update(_Inout_ PVOID Context, _In_reads_bytes_(Length) const UCHAR *Data, UINT Length);
void WINAPI MD4Final(_Inout_ PVOID Context);
void WINAPI MD5Init(_Out_ PVOID Context);
void WINAPI MD5Update(_Inout_ PVOID Context, _In_reads_bytes_(Length) const UCHAR *Data, UINT Length);
void WINAPI MD5Final(_Inout_ PVOID Context);
void WINAPI A_SHAInit(_Out_ PVOID Context);
void WINAPI A_SHAUpdate(_Inout_ PVOID Context, _In_reads_bytes_(Length) const UCHAR *Data, UINT Length);
void WINAPI A_SHAFinal(_Inout_ PVOID Context, _Out_ PULONG Result);
NTSTATUS WINAPI SystemFunction001(_In_ const BYTE *Data, _In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction002(_In_ const BYTE *Data, _In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction003(_In_ const BYTE *Key, _Out_ LPBYTE Output);
NTSTATUS WINAPI SystemFunction004(_In_ const void *Data, _In_ const void *Key, _Out_ PVOID Output);
NTSTATUS WINAPI SystemFunction005(_In_ const void *Data, _In_ const void *Key, _Out_ PVOID Output);
void WINAPI SystemFunction006(_In_ PCSTR Password, _Out_ LPBYTE Hash);
NTSTATUS WINAPI SystemFunction007(_In_ PCUNICODE_STRING Password, _Out_ LPBYTE Hash);
NTSTATUS WINAPI SystemFunction008(_In_ const BYTE *Challenge, _In_ const BYTE *Hash, _Out_ LPBYTE Response);
NTSTATUS WINAPI SystemFunction009(_In_ const BYTE *Challenge, _In_ const BYTE *Hash, _Out_ LPBYTE Response);
NTSTATUS WINAPI SystemFunction010(PVOID Unknown, _In_ const BYTE *Data, _Out_ LPBYTE Hash);
NTSTATUS WINAPI SystemFunction032(_Inout_ PVOID Data, _In_ const void *Key);
NTSTATUS WINAPI SystemFunction033(_Inout_ PVOID Data, _In_ const void *Key);
BOOL WINAPI SystemFunction030(_In_ const void *A, _In_ const void *B);
BOOL WINAPI SystemFunction035(_In_ PCSTR Path);
BOOLEAN WINAPI SystemFunction036(_Out_writes_bytes_(RandomBufferLength) PVOID RandomBuffer, ULONG RandomBufferLength);
NTSTATUS WINAPI SystemFunction040(_Inout_updates_bytes_(Length) PVOID Memory, ULONG Length, ULONG Flags);
NTSTATUS WINAPI SystemFunction041(_Inout_updates_bytes_(Length) PVOID Memory, ULONG Length, ULONG Flags);
BOOL WINAPI ProcessPrng(_Out_writes_bytes_(Length) PBYTE Data, SIZE_T Length);

/* ---- kernel32, kernelbase */
HRESULT WINAPI GetThreadDescription(HANDLE hThread, _Out_ PWSTR *ppszThreadDescription);
HRESULT WINAPI SetThreadDescription(HANDLE hThread, _In_ PCWSTR lpThreadDescription);
HANDLE WINAPI RegisterWaitForSingleObjectEx(HANDLE hObject, PVOID Callback, PVOID Context, ULONG dwMilliseconds, ULONG dwFlags);
LPSTR WINAPI GetEnvironmentStringsA(void);
DWORD WINAPI GetTempPath2A(DWORD nBufferLength, _Out_writes_(nBufferLength) LPSTR lpBuffer);
DWORD WINAPI GetTempPath2W(DWORD nBufferLength, _Out_writes_(nBufferLength) LPWSTR lpBuffer);
BOOL WINAPI GetSystemCpuSetInformation(_Out_writes_bytes_(BufferLength) PVOID Information, ULONG BufferLength, _Out_ PULONG ReturnedLength, HANDLE Process, ULONG Flags);
BOOL WINAPI SetProcessDefaultCpuSets(HANDLE Process, _In_reads_(CpuSetIdCount) const ULONG *CpuSetIds, ULONG CpuSetIdCount);
BOOL WINAPI SetThreadSelectedCpuSets(HANDLE Thread, _In_reads_(CpuSetIdCount) const ULONG *CpuSetIds, ULONG CpuSetIdCount);
LONG WINAPI GetPackageFullName(HANDLE hProcess, _Inout_ UINT32 *packageFullNameLength, _Out_writes_(packageFullNameLength) PWSTR packageFullName);
LONG WINAPI GetPackageFamilyName(HANDLE hProcess, _Inout_ UINT32 *packageFamilyNameLength, _Out_writes_(packageFamilyNameLength) PWSTR packageFamilyName);
LONG WINAPI GetCurrentPackageFullName(_Inout_ UINT32 *packageFullNameLength, _Out_writes_(packageFullNameLength) PWSTR packageFullName);
LONG WINAPI GetCurrentPackageFamilyName(_Inout_ UINT32 *packageFamilyNameLength, _Out_writes_(packageFamilyNameLength) PWSTR packageFamilyName);
LONG WINAPI GetCurrentPackageId(_Inout_ UINT32 *bufferLength, _Out_writes_bytes_(bufferLength) BYTE *buffer);
PVOID WINAPI ResolveDelayLoadedAPI(PVOID ParentModuleBase, _In_ const void *DelayloadDescriptor, PVOID FailureDllHook, PVOID FailureSystemHook, _Out_ PVOID *ThunkAddress, ULONG Flags);
PVOID WINAPI DelayLoadFailureHook(_In_ LPCSTR pszDllName, _In_ LPCSTR pszProcName);
BOOL WINAPI CreateProcessInternalW(HANDLE hToken, _In_ LPCWSTR lpApplicationName, _Inout_ LPWSTR lpCommandLine, _In_ LPSECURITY_ATTRIBUTES lpProcessAttributes, _In_ LPSECURITY_ATTRIBUTES lpThreadAttributes, BOOL bInheritHandles, DWORD dwCreationFlags, _In_ LPVOID lpEnvironment, _In_ LPCWSTR lpCurrentDirectory, _In_ LPSTARTUPINFOW lpStartupInfo, _Out_ LPPROCESS_INFORMATION lpProcessInformation, _Out_ PHANDLE hNewToken);
BOOL WINAPI CreateProcessInternalA(HANDLE hToken, _In_ LPCSTR lpApplicationName, _Inout_ LPSTR lpCommandLine, _In_ LPSECURITY_ATTRIBUTES lpProcessAttributes, _In_ LPSECURITY_ATTRIBUTES lpThreadAttributes, BOOL bInheritHandles, DWORD dwCreationFlags, _In_ LPVOID lpEnvironment, _In_ LPCSTR lpCurrentDirectory, _In_ LPSTARTUPINFOA lpStartupInfo, _Out_ LPPROCESS_INFORMATION lpProcessInformation, _Out_ PHANDLE hNewToken);
void __fastcall BaseThreadInitThunk(DWORD Unknown, PVOID Entry, PVOID Argument);
void WINAPI RestoreLastError(DWORD dwError);
BOOL WINAPI VerifyConsoleIoHandle(HANDLE hConsole);
BOOL WINAPI ValidateLocale(ULONG Locale);
#undef InterlockedIncrement
#undef InterlockedDecrement
#undef InterlockedExchange
#undef InterlockedExchangeAdd
#undef InterlockedCompareExchange
LONG WINAPI InterlockedIncrement(_Inout_ LONG volatile *Addend);
LONG WINAPI InterlockedDecrement(_Inout_ LONG volatile *Addend);
LONG WINAPI InterlockedExchange(_Inout_ LONG volatile *Target, LONG Value);
LONG WINAPI InterlockedExchangeAdd(_Inout_ LONG volatile *Addend, LONG Value);
LONG WINAPI InterlockedCompareExchange(_Inout_ LONG volatile *Destination, LONG Exchange, LONG Comparand);
#undef RtlMoveMemory
#undef RtlCopyMemory
#undef RtlZeroMemory
#undef RtlFillMemory
void WINAPI RtlMoveMemory(_Out_writes_bytes_(Length) PVOID Destination, _In_reads_bytes_(Length) const void *Source, SIZE_T Length);
void WINAPI RtlCopyMemory(_Out_writes_bytes_(Length) PVOID Destination, _In_reads_bytes_(Length) const void *Source, SIZE_T Length);
void WINAPI RtlZeroMemory(_Out_writes_bytes_(Length) PVOID Destination, SIZE_T Length);
void WINAPI RtlFillMemory(_Out_writes_bytes_(Length) PVOID Destination, SIZE_T Length, BYTE Fill);

/* ---- msvcrt */
typedef struct pgr_startupinfo {
    int newmode;
} pgr_startupinfo;
int __cdecl __getmainargs(_Out_ int *argc, _Out_ char ***argv, _Out_ char ***env, int expand, _In_ pgr_startupinfo *info);
int __cdecl __wgetmainargs(_Out_ int *argc, _Out_ wchar_t ***argv, _Out_ wchar_t ***env, int expand, _In_ pgr_startupinfo *info);
void __cdecl __set_app_type(int type);
void __cdecl _set_app_type(int type);
void __cdecl _amsg_exit(int error);
void __cdecl _lock(int number);
void __cdecl _unlock(int number);
void __cdecl _purecall(void);
void __cdecl _initterm(PVOID *first, PVOID *last);
int __cdecl _initterm_e(PVOID *first, PVOID *last);
PVOID __cdecl __dllonexit(PVOID function, _Inout_ PVOID **start, _Inout_ PVOID **end);
int __cdecl __lconv_init(void);
char ***__cdecl __p___initenv(void);
wchar_t ***__cdecl __p___winitenv(void);
int *__cdecl __p__commode(void);
int *__cdecl __p__fmode(void);
void __cdecl terminate(void);
void __cdecl pgr_terminate(void) __asm__("?terminate@@YAXXZ");
void __thiscall pgr_type_info_destroy32(PVOID self) __asm__("??1type_info@@UAE@XZ");
void __thiscall pgr_type_info_destroy64(PVOID self) __asm__("??1type_info@@UEAA@XZ");
void __cdecl pgr_delete32(PVOID memory) __asm__("??3@YAXPAX@Z");
void __cdecl pgr_delete64(PVOID memory) __asm__("??3@YAXPEAX@Z");
PVOID __cdecl pgr_new32(size_t size) __asm__("??2@YAPAXI@Z");
PVOID __cdecl pgr_new64(size_t size) __asm__("??2@YAPEAX_K@Z");
int __cdecl _except_handler2(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl _except_handler3(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl _except_handler4_common(PVOID cookie, PVOID check, _In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler2(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler3(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
int __cdecl __CxxFrameHandler4(_In_ PEXCEPTION_RECORD record, PVOID frame, _Inout_ PCONTEXT context, PVOID dispatcher);
void WINAPI _CxxThrowException(PVOID object, _In_ const void *type);
BOOL __cdecl __CxxRegisterExceptionObject(_In_ PEXCEPTION_POINTERS pointers, PVOID frame);
void __cdecl __CxxUnregisterExceptionObject(PVOID frame, int in_use);
void __cdecl __DestructExceptionObject(_In_ PEXCEPTION_RECORD record);
void **__cdecl __current_exception(void);
void **__cdecl __current_exception_context(void);
int __cdecl __uncaught_exception(void);
int __cdecl __uncaught_exceptions(void);
int *__cdecl __processing_throw(void);
void __cdecl __std_terminate(void);
void __cdecl __std_exception_copy(_In_ const void *from, _Out_ PVOID to);
void __cdecl __std_exception_destroy(_Inout_ PVOID data);
void __cdecl __std_type_info_destroy_list(_Inout_ PVOID list);
int __cdecl __std_type_info_compare(_In_ const void *left, _In_ const void *right);
const char *__cdecl __std_type_info_name(_Inout_ PVOID data, _Inout_ PVOID list);
PVOID __cdecl __RTDynamicCast(PVOID object, LONG offset, _In_ const void *from, _In_ const void *to, int is_reference);
PVOID __cdecl __RTtypeid(PVOID object);
char *__cdecl __unDName(_Out_ char *buffer, _In_ const char *mangled, int length, PVOID allocate, PVOID release, unsigned short flags);
void __cdecl _local_unwind(PVOID frame, PVOID target);
int __cdecl _seh_filter_exe(NTSTATUS code, _In_ PEXCEPTION_POINTERS pointers);
int __cdecl _seh_filter_dll(NTSTATUS code, _In_ PEXCEPTION_POINTERS pointers);
LONGLONG __cdecl _ftol(void);
int __cdecl _findfirst(_In_ const char *filespec, _Out_ PVOID fileinfo);
int __cdecl _findnext(intptr_t handle, _Out_ PVOID fileinfo);
#undef time
#undef localtime
#undef gmtime
#undef _fstat
#undef _stati64
long __cdecl pgr_time(_Out_ long *_Time) __asm__("?pgr-export time");
struct tm *__cdecl pgr_localtime(_In_ const long *_Time) __asm__("?pgr-export localtime");
struct tm *__cdecl pgr_gmtime(_In_ const long *_Time) __asm__("?pgr-export gmtime");
int __cdecl pgr_fstat(int _FileHandle, _Out_ PVOID _Stat) __asm__("?pgr-export _fstat");
int __cdecl pgr_stat(_In_ const char *_FileName, _Out_ PVOID _Stat) __asm__("?pgr-export _stat");
int __cdecl pgr_stati64(_In_ const char *_FileName, _Out_ PVOID _Stat) __asm__("?pgr-export _stati64");
int __cdecl pgr_swprintf(_Out_ wchar_t *_Dest, _In_ const wchar_t *_Format, ...) __asm__("?pgr-export swprintf");
void __cdecl _invalid_parameter(_In_ const wchar_t *expression, _In_ const wchar_t *function, _In_ const wchar_t *file, unsigned int line, uintptr_t reserved);
void __cdecl _invalid_parameter_noinfo(void);
void __cdecl _invalid_parameter_noinfo_noreturn(void);
char *__cdecl _Getdays(void);
char *__cdecl _Getmonths(void);
wchar_t *__cdecl _W_Getdays(void);
wchar_t *__cdecl _W_Getmonths(void);
LCID *__cdecl ___lc_handle_func(void);
wchar_t **__cdecl ___lc_locale_name_func(void);
UINT __cdecl ___lc_codepage_func(void);
UINT __cdecl ___lc_collate_cp_func(void);
int __cdecl ___mb_cur_max_func(void);
float __cdecl _hypotf(float x, float y);

/* ---- ucrtbase */
int __cdecl _configure_narrow_argv(int mode);
int __cdecl _configure_wide_argv(int mode);
int __cdecl _initialize_narrow_environment(void);
int __cdecl _initialize_wide_environment(void);
char **__cdecl _get_initial_narrow_environment(void);
wchar_t **__cdecl _get_initial_wide_environment(void);
char *__cdecl _get_narrow_winmain_command_line(void);
wchar_t *__cdecl _get_wide_winmain_command_line(void);
int __cdecl _set_new_mode(int mode);
int __cdecl _query_new_mode(void);
int __cdecl _callnewh(size_t size);
int __cdecl _crt_atexit(PVOID function);
int __cdecl _crt_at_quick_exit(PVOID function);
int __cdecl _register_onexit_function(_Inout_ PVOID table, PVOID function);
int __cdecl _initialize_onexit_table(_Inout_ PVOID table);
int __cdecl _execute_onexit_table(_Inout_ PVOID table);
void __cdecl _register_thread_local_exe_atexit_callback(PVOID callback);
int __cdecl _configthreadlocale(int mode);
short __cdecl _dclass(double x);
short __cdecl _fdclass(float x);
int __cdecl _dsign(double x);
int __cdecl _fdsign(float x);
short __cdecl _dtest(_In_ double *x);
short __cdecl _fdtest(_In_ float *x);
unsigned int __cdecl _Thrd_hardware_concurrency(void);

/* ---- user32, gdi32, shell and others */
UINT_PTR WINAPI SetSystemTimer(HWND hWnd, UINT_PTR nIDEvent, UINT uElapse, PVOID lpTimerFunc);
BOOL WINAPI KillSystemTimer(HWND hWnd, UINT_PTR uIDEvent);
BOOL WINAPI DrawCaptionTempW(HWND hWnd, HDC hDC, _In_ const RECT *lprc, HFONT hFont, HICON hIcon, _In_ LPCWSTR lpString, UINT uFlags);
UINT WINAPI PrivateExtractIconExW(_In_ LPCWSTR lpszFile, int nIconIndex, _Out_ HICON *phIconLarge, _Out_ HICON *phIconSmall, UINT nIcons);
LONG WINAPI GdiGetCharDimensions(HDC hDC, _Out_ LPTEXTMETRICW lpTextMetric, _Out_ LONG *lpHeight);
UINT WINAPI GdiGetCodePage(HDC hDC);
BOOL WINAPI GetTransform(HDC hDC, DWORD iXform, _Out_ LPXFORM lpXform);
BOOL WINAPI GetFontRealizationInfo(HDC hDC, _Inout_ PVOID lpInfo);
void WINAPI Control_RunDLLW(HWND hWnd, HINSTANCE hInst, _In_ LPCWSTR lpszCmd, DWORD nCmdShow);
HRESULT WINAPI CreateProxyFromTypeInfo(_In_ ITypeInfo *typeinfo, _In_ IUnknown *outer, REFIID iid, _Out_ PVOID *proxy, _Out_ PVOID *obj);
HRESULT WINAPI CreateStubFromTypeInfo(_In_ ITypeInfo *typeinfo, REFIID iid, _In_ IUnknown *server, _Out_ PVOID *stub);
